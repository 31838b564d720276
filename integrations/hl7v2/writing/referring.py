"""What refers to a resource: of a patient by the compartment, of a visit or an account by search.

Visits and accounts have no index of their own: their patient's resources are looked through by the
search parameters of R4 that name them, and by type where R4 has none.
"""

from __future__ import annotations

from typing import Any

from fhir_server.store import UnitOfWork
from integrations.hl7v2.store import ledgers

RECORDS = ("AuditEvent", "Provenance", "Patient")
"""Types that tell what was so when they were written; links of patients are those of merges."""

_PARAMETERS = {
    "Encounter": ("encounter", "context", "part-of"),
    "Account": ("account", "owner"),
}
_WITHOUT = {"Encounter": ("Immunization", "AllergyIntolerance"), "Account": ("Account",)}
"""Types whose reference to it no parameter of R4 finds: Account.partOf for one."""


async def referring(unit: UnitOfWork, reference: str, limit: int) -> list[str]:
    """Up to `limit` current resources that refer to `reference`."""
    found = await ledgers.referring(unit, reference, RECORDS, limit)
    type = reference.partition("/")[0]
    parameters = _PARAMETERS.get(type)
    if parameters is None or len(found) >= limit:
        return found
    patient = await _patient_of(unit, reference)
    if not patient:
        return found
    keys = [f"{name}={reference}" for name in parameters]
    named = await ledgers.naming(unit, patient, keys, _WITHOUT[type], limit)
    others = [one for one in named if one not in found and one != reference]
    await unit.prefetch(others)
    held = [one for one in others if await _refers(unit, one, reference)]
    return [*found, *held][:limit]


async def _patient_of(unit: UnitOfWork, reference: str) -> str:
    stored = await unit.find(*reference.split("/"))
    if stored is None or stored.deleted:
        return ""
    subject = stored.resource().get("subject", {})
    first = subject[0] if isinstance(subject, list) and subject else subject
    return str(first.get("reference", "")) if isinstance(first, dict) else ""


async def _refers(unit: UnitOfWork, one: str, reference: str) -> bool:
    type = one.partition("/")[0]
    if type in RECORDS:
        return False
    stored = await unit.find(*one.split("/"))
    return stored is not None and not stored.deleted and _holds(stored.resource(), reference)


def _holds(value: Any, reference: str) -> bool:
    if isinstance(value, dict):
        return value.get("reference") == reference or any(
            _holds(one, reference) for one in value.values()
        )
    return isinstance(value, list) and any(_holds(one, reference) for one in value)
