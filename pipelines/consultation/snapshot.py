"""Everything about a consultation at one moment, in the shapes of the events."""

from __future__ import annotations

from typing import Any

from fhir_server.clock import instant
from pipelines.consultation import events
from pipelines.consultation.services import Services


async def snapshot(services: Services, encounter: str) -> dict[str, Any]:
    """The snapshot of docs/architecture.md. Raises `ResourceNotFound`.

    `last_seq` is read first: a watcher going on from there may see an event whose effect is in
    the snapshot already, and never misses one.
    """
    last = await services.bus.last(encounter)
    record = await services.consultations.read(encounter)
    journal = await services.journal.load(encounter, record.revision)
    return {
        "id": encounter,
        "status": str(record.state),
        "patient": {"reference": record.patient, "display": record.patient_display},
        "started": instant(record.started),
        "channels": record.audio.channels,
        "roles": [str(role) for role in record.audio.roles],
        "segments": [events.final(segment) for segment in journal],
        "note": record.note,
        "alerts": [alert.payload for alert in record.alerts],
        "last_seq": last,
        "message": record.message,
        "waiting": record.waiting,
        "revising": record.revising,
        "second_engine": services.second_engine is not None,
    }
