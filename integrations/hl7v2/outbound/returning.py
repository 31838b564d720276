"""The return path of enhanced mode: application acknowledgements go to the destination that is the
sender, through its queue. HL7 v2.5.1 2.9.3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.clock import Clock, OrderedIds
from fhir_server.store.connection import Database
from integrations.hl7v2.message import parse
from integrations.hl7v2.outbound.origin import is_its_own
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.store.outbound_queue import OutboundQueue, QueuedMessage


class QueuedReturnPath:
    """A `ReturnPath` whose acknowledgements are durable before it takes them."""

    def __init__(
        self, database: Database, destinations: Sequence[DestinationSettings], *, clock: Clock
    ) -> None:
        self._destinations = [one for one in destinations if one.wants("ACK")]
        self._queue = OutboundQueue(database)
        self._positions = OrderedIds()
        self._clock = clock

    async def send_application_acknowledgement(
        self, acknowledgement: bytes, *, listener: str, application: str, facility: str
    ) -> bool:
        """Queue it for the first destination that is the sender. False when there is none."""
        sender = f"{application}|{facility}"
        found = next((one for one in self._destinations if is_its_own(one, sender)), None)
        if found is None:
            return False
        header, now = parse(acknowledgement).header, self._clock()
        await self._queue.add(
            QueuedMessage(
                id=f"{found.name}/{listener}-{header.control_id}/ACK",
                destination=found.name,
                position=self._positions(),
                state="queued",
                trigger="ACK",
                control_id=header.control_id,
                patient=None,
                resource="",
                version=0,
                sources=(),
                event="",
                happened=now,
                created=now,
                due=now,
                payload=acknowledgement,
                asks=header.accept_ack not in ("", "NE"),
            )
        )
        return True
