"""A consultation that runs is joined to the patient's visit and told what becomes of it."""

from __future__ import annotations

from fhir_server.store import UnitOfWork
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.writing.outcome import Applied
from pipelines.consultation.visits import visit_changed
from pipelines.store import ConsultationStore


async def visits_follow(unit: UnitOfWork, conversion: Conversion, applied: Applied) -> None:
    """A consequence of a message: see `writing/importing.py`."""
    if conversion.family != "ADT":
        return
    consultations = ConsultationStore(unit.database)
    for one in applied.changed("Encounter"):
        type, _, id = one.reference.partition("/")
        stored = await unit.find(type, id)
        if one.key and stored is not None and not stored.deleted:
            await visit_changed(unit, consultations, stored.resource())
