"""The relay's side: FHIR changes that a destination may want are put where they last."""

from __future__ import annotations

from collections.abc import Collection

from fhir_server.store import OutboxRow
from integrations.hl7v2.store.outbound_events import FhirEvent, OutboundEvents


class FhirChanges:
    """Takes rows of the topic `fhir`. Taking one twice is taking it once."""

    def __init__(self, events: OutboundEvents, types: Collection[str]) -> None:
        self._events = events
        self._types = frozenset(types)

    async def take(self, row: OutboxRow) -> None:
        """Keep the change if messages are made of resources of its type."""
        resource: str = row.data["resource"]
        if resource.partition("/")[0] in self._types:
            event = FhirEvent(row.id, resource, row.data["version"], row.type, row.at)
            await self._events.add(event)
