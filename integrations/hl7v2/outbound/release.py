"""Whether a message may leave now, and the record of it. Decision 0024.

It is asked before every attempt, about all versions that the message tells of: a directive holds
for what leaves after it was written, however long the message has waited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

import structlog

from fhir_server.audit import Access
from fhir_server.clock import Clock
from fhir_server.definitions.search_parameters import patient_compartment
from fhir_server.interactions.context import Context, Server
from fhir_server.interactions.newest import newest_of
from fhir_server.interactions.visibility import sees
from fhir_server.labels import labels_in
from fhir_server.store import StoredResource, UnitOfWork
from integrations.hl7v2.outbound.recipient import TooMuch, above, recipient_of
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.store.outbound_queue import QueuedMessage
from integrations.hl7v2.store.outbound_release import note_disclosed, withhold

Objection = TooMuch | Literal["directive", "unknown"]
_WORDS: dict[Objection, str] = {
    "directive": "a directive of the patient",
    "confidentiality": "more confidential than this destination may get",
    "sensitivity": "labelled sensitive",
    "unknown": "what it tells of cannot be looked at: make it anew",
}
_REFUSED = 403
_log = structlog.get_logger("aimed.hl7v2.outbound")


class Release:
    """The rules about access, for one destination. `keep` is how long what is withheld stays."""

    def __init__(
        self,
        server: Server,
        destination: DestinationSettings,
        *,
        base: str,
        clock: Clock,
        keep: timedelta,
    ) -> None:
        self._server = server
        self._destination = destination
        self._caller = recipient_of(destination)
        self._base = base
        self._clock = clock
        self._keep = keep

    async def asked(self, message: QueuedMessage) -> Access | None:
        """What to record once the message leaves; None for one that may not and was put aside."""
        versions = await self._versions(message.sources or ())
        access = self._access(message, versions)
        objection = await self._objection(message, versions)
        if objection is None:
            return access
        await self._withhold(message, objection, access)
        return None

    async def record(self, message: QueuedMessage, access: Access) -> None:
        """Record that a message leaves, before its first byte; once, however often it is tried."""
        if not message.sources or message.disclosed is not None:
            return

        async def body(unit: UnitOfWork) -> None:
            if await note_disclosed(unit, message.id, at=self._clock()):
                await self._server.audit.record(self._caller, access, unit)

        await self._server.store.transact(body)

    async def _objection(
        self, message: QueuedMessage, versions: Sequence[StoredResource]
    ) -> Objection | None:
        if message.sources is None or len(versions) < len(message.sources):
            return "unknown"
        references = list(dict.fromkeys(one.reference for one in versions))
        newest = await newest_of(references, self._server.store)
        judged = (*versions, *newest.values())
        for one in judged:
            if too_much := above(self._destination, labels_in(one.raw)):
                return too_much
        return None if await self._are_seen(judged) else "directive"

    async def _are_seen(self, judged: Sequence[StoredResource]) -> bool:
        if not judged:
            return True
        directives = await self._server.directives.current()
        context = Context(self._server, self._caller, self._base, directives)
        return all([await sees(context, one, "r") for one in judged])

    async def _versions(self, sources: Sequence[str]) -> list[StoredResource]:
        if not sources:
            return []
        ids = [one.replace("/_history/", "/") for one in sources]
        page = await self._server.store.history({"_id": {"$in": ids}}, count=len(ids))
        return [one for one in page.entries if not one.deleted]

    async def _withhold(self, message: QueuedMessage, objection: Objection, access: Access) -> None:
        now = self._clock()
        refused = replace(access, outcome=_REFUSED, remark=objection)

        async def body(unit: UnitOfWork) -> bool:
            reason, expires = _WORDS[objection], now + self._keep
            put = await withhold(unit, message.id, reason, at=now, expires=expires)
            if put:
                await self._server.audit.record(self._caller, refused, unit)
            return put

        if await self._server.store.transact(body):
            _log.warning(
                "message withheld",
                destination=message.destination,
                trigger=message.trigger,
                control_id=message.control_id,
                reason=objection,
            )

    def _access(self, message: QueuedMessage, versions: Sequence[StoredResource]) -> Access:
        """Who is told of which resources. Those that are about no patient are left out."""
        about = [one for one in versions if one.type == "Patient" or patient_compartment(one.type)]
        told = {
            "destination": message.destination,
            "type": message.trigger,
            "control": message.control_id,
            "message": message.id,
        }
        return Access(
            "disclosure",
            entities=tuple(dict.fromkeys(one.reference for one in about)),
            patient=message.patient,
            query=f"hl7v2/send?{urlencode(told)}",
            address=self._destination.host,
            labels=tuple((one.reference, labels_in(one.raw)) for one in about),
        )
