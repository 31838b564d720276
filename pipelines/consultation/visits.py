"""The visit that the hospital knows of, and the consultation that takes place in it.

A consultation has an Encounter of its own, `partOf` that of the visit; the other way round it is
found by `Encounter?part-of=`. The end of the visit does not end a recording: who watches is told.
"""

from __future__ import annotations

from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork
from pipelines.consultation import events
from pipelines.store import ConsultationStore
from pipelines.store.waiting_alerts import visits

_UNDER_WAY = frozenset({"in-progress", "arrived", "triaged", "onleave"})


async def visit_of(
    unit: UnitOfWork, consultations: ConsultationStore, patient: str
) -> Resource | None:
    """The visit of a patient that is under way, the newest of several."""
    found = await visits(unit, patient)
    own = await consultations.among([one["id"] for one in found])
    return next((one for one in found if one["id"] not in own), None)


async def visit_changed(
    unit: UnitOfWork, consultations: ConsultationStore, visit: Resource
) -> None:
    """Join running consultations of the patient to a visit, and tell them what became of it."""
    patient = visit.get("subject", {}).get("reference", "")
    reference = f"Encounter/{visit['id']}"
    for record in await consultations.running_for(patient, unit):
        if record.encounter == visit["id"]:
            continue
        stored = await unit.find("Encounter", record.encounter)
        if stored is None or stored.deleted:
            continue
        encounter = stored.resource()
        part_of = encounter.get("partOf", {}).get("reference")
        if part_of is None and visit["status"] in _UNDER_WAY:
            await unit.put({**encounter, "partOf": {"reference": reference}})
            part_of = reference
        if part_of == reference:
            told = events.visit(reference, visit["status"], place_of(visit))
            await events.emit(unit, record.encounter, events.VISIT, told)


def place_of(visit: Resource) -> str | None:
    """Where the patient is now, as the visit says it."""
    places = visit.get("location", ())
    here = [one["location"] for one in places if one.get("status", "active") == "active"]
    return (here[-1].get("display") or here[-1].get("reference")) if here else None
