"""The AuditEvent of an access, by the patterns of IHE BALP 1.1 on FHIR R4."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fhir_server.audit.access import Access
from fhir_server.audit.agents import SELF, agents
from fhir_server.audit.entities import entities, server_entity
from fhir_server.audit.patterns import Coding, Pattern, patterns
from fhir_server.auth.caller import Caller
from fhir_server.clock import instant
from fhir_server.resource import Resource

_SOURCE = {
    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
    "code": "4",
    "display": "Application Server",
}


def audit_events(
    caller: Caller | None, access: Access, *, at: datetime, site: str
) -> tuple[Resource, ...]:
    """The events of an access: one for each patient where BALP has a pattern of a patient's."""
    pattern = patterns()[access.interaction]
    several = access.outcome < 400 and pattern.patient_profile is not None
    parts = access.by_patient() if several else (access,)
    return tuple(audit_event(caller, one, at=at, site=site) for one in parts)


def audit_event(caller: Caller | None, access: Access, *, at: datetime, site: str) -> Resource:
    """The event; `caller` is None when nobody could be made out. `site` is this server's name."""
    pattern = patterns()[access.interaction]
    profile = _profile(pattern, access)
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        **({"meta": {"profile": [profile]}} if profile else {}),
        "type": pattern.type,
        "subtype": _subtype(pattern, access),
        "action": pattern.action,
        "recorded": instant(at),
        "outcome": _outcome(access.outcome),
        "agent": agents(caller, access, pattern, site),
        "source": {
            "site": site,
            "observer": {"reference": SELF, "display": site},
            "type": [_SOURCE],
        },
        "entity": entities(access) or [server_entity()],
    }
    if access.outcome >= 400:
        event["outcomeDesc"] = " ".join(filter(None, (f"HTTP {access.outcome}", access.remark)))
    if access.reason:
        event["purposeOfEvent"] = [{"text": access.reason}]
    return event


def _profile(pattern: Pattern, access: Access) -> str | None:
    """What the event conforms to. The patterns are of successes, and those of patients of one.

    Those of reads and writes are of one resource; what a transaction did of a kind is several.
    """
    if access.outcome >= 400 or (access.query is None and len(access.entities) > 1):
        return None
    if pattern.patient_profile and len(access.charts) == 1:
        return pattern.patient_profile
    return pattern.profile if pattern.profile != pattern.patient_profile else None


def _subtype(pattern: Pattern, access: Access) -> list[Coding]:
    if access.subtype is None:
        return pattern.subtype
    return [{"system": access.subtype[0], "code": access.subtype[1]}]


def _outcome(status: int) -> str:
    if status < 400:
        return "0"
    return "4" if status < 500 else "8"
