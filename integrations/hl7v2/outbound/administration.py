"""What people do with what is sent: look, resend, make anew, withdraw, pause and resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.clock import Clock
from fhir_server.errors import InvalidParameter, ResourceNotFound
from fhir_server.store.connection import Database
from integrations.hl7v2.outbound.figures import DestinationFigures, destination_figures, gauges
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.store.destinations import Destinations
from integrations.hl7v2.store.outbound_events import FhirEvent, OutboundEvents
from integrations.hl7v2.store.outbound_queue import (
    ASIDE,
    OutboundQueue,
    QueuedMessage,
    State,
    ids_condition,
)

MOST = 500


@dataclass(frozen=True)
class MessageQuery:
    """What messages to list; None is any. `after` is the `position` that the last page ended at."""

    destination: str | None = None
    state: State | None = None
    trigger: str | None = None
    patient: str | None = None
    control_id: str | None = None
    after: str | None = None
    count: int = 50


class OutboundAdministration:
    """The acts of the admin API and the command line. Callers check that they are permitted."""

    def __init__(
        self, database: Database, destinations: Sequence[DestinationSettings], *, clock: Clock
    ) -> None:
        self._database = database
        self._destinations = {one.name: one for one in destinations}
        self._queue = OutboundQueue(database)
        self._states = Destinations(database)
        self._events = OutboundEvents(database)
        self._clock = clock

    async def destinations(self) -> list[DestinationFigures]:
        """Each destination with backlog, oldest message, last answer and state."""
        return await destination_figures(self._database, list(self._destinations.values()))

    async def gauges(self) -> dict[str, float]:
        """Numbers for a monitoring system; see `figures.gauges`."""
        return await gauges(self._database, list(self._destinations.values()), self._clock())

    async def messages(self, query: MessageQuery) -> list[QueuedMessage]:
        """Messages without their bytes, the newest first."""
        names = ("destination", "state", "trigger", "patient", "control_id")
        given = {name: getattr(query, name) for name in names}
        condition = {name: value for name, value in given.items() if value is not None}
        count = max(1, min(query.count, MOST))
        return await self._queue.page(condition, count=count, after=query.after)

    async def message(self, id: str) -> QueuedMessage:
        """One message with what was sent and answered. Raises `ResourceNotFound`."""
        found = await self._queue.read(id)
        if found is None:
            raise ResourceNotFound("There is no message of that id.")
        return found

    async def resend(self, ids: Sequence[str]) -> int:
        """Send messages again, the same bytes under the same control ids. How many."""
        return await self._queue.requeue(ids_condition(ids), at=self._clock())

    async def resend_dead(self, destination: str) -> int:
        """Send all dead letters of a destination again. How many."""
        return await self._resend_all(destination, "dead")

    async def resend_withheld(self, destination: str) -> int:
        """Ask anew for all that was withheld from a destination. How many are asked for.

        What may still not leave is withheld again.
        """
        return await self._resend_all(destination, "withheld")

    async def _resend_all(self, destination: str, state: State) -> int:
        self._known(destination)
        condition = {"destination": destination, "state": state, "control_id": {"$ne": ""}}
        return await self._queue.requeue(condition, at=self._clock())

    async def make_anew(self, id: str) -> None:
        """Make what was put aside anew from its event, after its mapping was put right.

        Raises `ResourceNotFound`, and `InvalidParameter` for a message that is neither dead nor
        withheld.
        """
        found = await self.message(id)
        if found.state not in ASIDE or not found.resource:
            raise InvalidParameter("Only what was put aside is made anew; this one can be resent.")
        _, event, _ = id.split("/", 2)
        await self._queue.forget(id)
        happened = FhirEvent(event, found.resource, found.version, found.event, found.happened)
        await self._events.add(happened)

    async def withdraw(self, id: str) -> bool:
        """Take a message out of the queue, or of what was put aside, for good."""
        return await self._queue.withdraw(id, at=self._clock())

    async def pause(self, destination: str, reason: str = "paused by an administrator") -> None:
        """Send nothing more there; what is in flight is finished. Raises `ResourceNotFound`."""
        self._known(destination)
        await self._states.set(destination, paused=True, reason=reason)

    async def resume(self, destination: str) -> None:
        """Go on; the head of the queue has all its attempts again. Raises `ResourceNotFound`."""
        self._known(destination)
        await self._queue.refresh_head(destination, at=self._clock())
        await self._states.set(destination, paused=False, reason="")

    def _known(self, destination: str) -> None:
        if destination not in self._destinations:
            raise ResourceNotFound("There is no destination of that name in the settings.")
