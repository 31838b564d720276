"""Who took part in an access: the person, the application, this server. IHE BALP 1.1."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from fhir_server.audit.access import Access
from fhir_server.audit.patterns import Pattern
from fhir_server.auth.caller import Caller

SELF = "Device/aimed"
"""This server, as the observer of every event."""

_PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_MACHINE, _ADDRESS = "1", "2"
Agent = dict[str, Any]


def agents(caller: Caller | None, access: Access, pattern: Pattern, site: str) -> list[Agent]:
    """The person first if there is one: exactly one agent is the requestor."""
    user = _user(caller, pattern) if caller is not None and _is_person(caller) else None
    client = _client(caller, access, pattern, site, requestor=user is None)
    return [*([user] if user else []), client, _server(pattern, site)]


def _is_person(caller: Caller) -> bool:
    return not caller.reference.startswith("Device/")


def _user(caller: Caller, pattern: Pattern) -> Agent:
    agent: Agent = {
        "type": {"coding": [pattern.user]},
        "who": {"reference": caller.reference, "display": caller.display},
        "name": caller.display,
        "requestor": True,
    }
    if caller.roles:
        agent["role"] = [{"text": role} for role in caller.roles]
    return {**agent, **_purpose(caller)}


def _purpose(caller: Caller) -> Agent:
    if not caller.purpose:
        return {}
    return {"purposeOfUse": [{"coding": [{"system": _PURPOSE, "code": caller.purpose}]}]}


def _client(
    caller: Caller | None, access: Access, pattern: Pattern, site: str, *, requestor: bool
) -> Agent:
    return {
        "type": {"coding": [pattern.client]},
        "who": _application(caller),
        "requestor": requestor,
        **(_purpose(caller) if caller is not None and requestor else {}),
        "network": {"address": access.address, "type": _kind(access.address)}
        if access.address
        else {"address": site, "type": _MACHINE},
    }


def _kind(address: str) -> str:
    try:
        ip_address(address.partition("%")[0])
    except ValueError:
        return _MACHINE
    return _ADDRESS


def _application(caller: Caller | None) -> dict[str, Any]:
    if caller is None:
        return {"display": "not authenticated"}
    if caller.client:
        return {"identifier": {"value": caller.client}}
    if not _is_person(caller):
        return {"reference": caller.reference, "display": caller.display}
    return {"display": "signed in without an application"}


def _server(pattern: Pattern, site: str) -> Agent:
    return {
        "type": {"coding": [pattern.server]},
        "who": {"reference": SELF, "display": site},
        "requestor": False,
        "network": {"address": site, "type": _MACHINE},
    }
