"""Storing the events.

A write's event is stored in the write's own transaction; that of a read is durable before the
answer leaves, together with those of other reads at that moment. So nothing is shown or changed
that is not recorded: when the event cannot be stored, the request fails. Decision 0007.
"""

from __future__ import annotations

from fhir_server.audit.access import Access
from fhir_server.audit.event import audit_events
from fhir_server.audit.sealing import Sealing
from fhir_server.auth.caller import Caller
from fhir_server.clock import Clock
from fhir_server.resource import Resource
from fhir_server.store import MongoStore, UnitOfWork
from fhir_server.store.group_commit import GroupCommit


class AuditTrail:
    """Builds and stores audit events. `site` is the name of this server in them."""

    def __init__(
        self, store: MongoStore, sealing: Sealing, *, clock: Clock, site: str = "aimed"
    ) -> None:
        self._group = GroupCommit(store.transact)
        self._sealing = sealing
        self._clock = clock
        self._site = site

    async def record(
        self, caller: Caller | None, access: Access, unit: UnitOfWork | None = None
    ) -> None:
        """Store its events, in `unit` if given, else together with others that wait."""
        events = self.events(caller, access)
        if unit is None:
            await self._group.create(*events)
        else:
            for event in events:
                await unit.create(event)
        self._sealing.wake()

    async def aclose(self) -> None:
        """Wait for the events that are being stored, and seal them."""
        await self._group.aclose()
        await self._sealing.aclose()

    def events(self, caller: Caller | None, access: Access) -> tuple[Resource, ...]:
        """The AuditEvents of an access; `caller` is None when nobody could be made out."""
        return audit_events(caller, access, at=self._clock(), site=self._site)
