"""The patient's chart as the rules need it, read from the store."""

from __future__ import annotations

from datetime import date
from typing import Any

from fhir_server.errors import ResourceGone, ResourceNotFound
from fhir_server.resource import Resource
from fhir_server.store import MongoStore
from pipelines.ports import Chart, ChartEntry
from pipelines.resources.datatypes import AIAST

_LIMIT = 500
"""Entries of one type; a chart with more is cut, newest first."""
_VOID = {"entered-in-error", "refuted", "inactive", "resolved", "stopped", "not-taken", "cancelled"}


async def read_chart(store: MongoStore, patient: str, today: date) -> Chart:
    """What is known of `patient`, a literal reference, but for unconfirmed machine entries."""
    medications = [
        *await _entries(store, patient, "MedicationStatement"),
        *await _entries(store, patient, "MedicationRequest"),
    ]
    person = await _person(store, patient)
    return Chart(
        allergies=tuple(await _entries(store, patient, "AllergyIntolerance")),
        medications=tuple(medications),
        conditions=tuple(await _entries(store, patient, "Condition")),
        age_years=_age(person.get("birthDate"), today),
        sex=person.get("gender"),
    )


async def _person(store: MongoStore, patient: str) -> Resource:
    type, _, id = patient.partition("/")
    try:
        return (await store.read(type, id)).resource()
    except (ResourceNotFound, ResourceGone):
        return {}


async def _entries(store: MongoStore, patient: str, type: str) -> list[ChartEntry]:
    condition = {"pat": patient, "type": type, "deleted": False}
    page = await store.search(condition, count=_LIMIT)
    found = [stored.resource() for stored in page.entries]
    return [_entry(resource) for resource in found if _stands(resource)]


def _stands(resource: Resource) -> bool:
    labels = (resource.get("meta") or {}).get("security", [])
    if any(label.get("code") == AIAST["code"] for label in labels):
        return False
    states = {resource.get("status")}
    for name in ("clinicalStatus", "verificationStatus"):
        states |= {one.get("code") for one in (resource.get(name) or {}).get("coding", [])}
    return not states & _VOID


def _entry(resource: Resource) -> ChartEntry:
    concept: dict[str, Any] = (
        resource.get("code") or resource.get("medicationCodeableConcept") or {}
    )
    codings = concept.get("coding") or [{}]
    text = concept.get("text") or codings[0].get("display") or codings[0].get("code") or ""
    return ChartEntry(
        reference=f"{resource['resourceType']}/{resource['id']}",
        text=text,
        system=codings[0].get("system"),
        code=codings[0].get("code"),
    )


def _age(birth: str | None, today: date) -> float | None:
    # A FHIR date may stop at the year or the month; half of what is unknown is the best guess.
    if not birth:
        return None
    year, month, day = ([int(part) for part in birth.split("-")] + [0, 0])[:3]
    born = date(year, month or 7, day or (15 if month else 1))
    return (today - born).days / 365.25
