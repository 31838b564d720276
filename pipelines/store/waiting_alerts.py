"""Alerts that nobody has answered, and visits that are under way, of one patient."""

from __future__ import annotations

from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork
from fhir_server.store.documents import from_document
from fhir_server.store.encryption import opened
from pipelines.resources.datatypes import PRODUCT

_MOST = 20
_OPEN = ("in-progress", "arrived", "triaged", "onleave")


async def waiting(unit: UnitOfWork, patient: str, rule: str) -> list[Resource]:
    """The open DetectedIssues of `patient` by one rule, newest first, 20 at most."""
    key = f"code={PRODUCT}/CodeSystem/alert-rule|~{rule}"
    found = await _resources(unit, patient, "DetectedIssue", [key])
    return [one for one in found if one["status"] == "preliminary"]


async def visits(unit: UnitOfWork, patient: str) -> list[Resource]:
    """The Encounters of `patient` that are under way, newest first."""
    keys = [f"status=={status}" for status in _OPEN]
    return await _resources(unit, patient, "Encounter", keys)


async def _resources(unit: UnitOfWork, patient: str, type: str, keys: list[str]) -> list[Resource]:
    wanted = {"pat": patient, "type": type, "k": {"$in": keys}, "deleted": False}
    cursor = unit.database["resources"].find(wanted, session=unit.session, limit=_MOST)
    documents = await opened(unit.database, "resources", await cursor.to_list())
    stored = [from_document(one) for one in documents]
    stored.sort(key=lambda one: (one.last_updated, one.id), reverse=True)
    return [one.resource() for one in stored]
