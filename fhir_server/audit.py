"""An AuditEvent for every access.

Patterns: IHE BALP 1.1 (https://profiles.ihe.net/ITI/BALP/), which constrain FHIR R4 AuditEvent for
REST interactions and sign-in. A write's event is stored in the write's own transaction; that of a
read is stored before the answer leaves, together with those of other reads at that moment.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from fhir_server.auth.caller import Caller
from fhir_server.clock import Clock, instant
from fhir_server.resource import Resource
from fhir_server.store import MongoStore, UnitOfWork
from fhir_server.store.group_commit import GroupCommit

_ACTION = {
    "create": "C",
    "update": "U",
    "patch": "U",
    "delete": "D",
    "search-type": "E",
    "search-system": "E",
    "transaction": "E",
    "operation": "E",
}
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_REST = "http://hl7.org/fhir/restful-interaction"
_OBJECT = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"


@dataclass(frozen=True)
class Access:
    """What happened. `outcome` is an HTTP status; `query` is the search without its server part."""

    interaction: str
    outcome: int = 200
    entities: tuple[str, ...] = ()
    patient: str | None = None
    query: str | None = None
    request_id: str | None = None
    address: str | None = None
    subtype: tuple[str, str] | None = None


class AuditTrail:
    """Builds and stores audit events."""

    def __init__(self, store: MongoStore, *, clock: Clock, site: str = "AI Med") -> None:
        self._group = GroupCommit(store.transact)
        self._clock = clock
        self._site = site

    async def record(
        self, caller: Caller | None, access: Access, unit: UnitOfWork | None = None
    ) -> None:
        """Store the event, in `unit` if given, else together with others that wait."""
        event = self.event(caller, access)
        if unit is not None:
            await unit.create(event)
        else:
            await self._group.create(event)

    async def aclose(self) -> None:
        """Wait for the events that are being stored."""
        await self._group.aclose()

    def event(self, caller: Caller | None, access: Access) -> Resource:
        """The AuditEvent of an access; `caller` is None when nobody could be made out."""
        sign_in = access.interaction in ("login", "logout")
        return {
            "resourceType": "AuditEvent",
            "type": _coding(_DCM, "110114", "User Authentication")
            if sign_in
            else _coding(
                "http://terminology.hl7.org/CodeSystem/audit-event-type",
                "rest",
                "RESTful Operation",
            ),
            "subtype": [_subtype(access)],
            "action": _ACTION.get(access.interaction, "E" if sign_in else "R"),
            "recorded": instant(self._clock()),
            "outcome": _outcome(access.outcome),
            "agent": [_agent(caller, access)],
            "source": {
                "observer": {"reference": "Device/aimed", "display": self._site},
                "type": [
                    _coding(
                        "http://terminology.hl7.org/CodeSystem/security-source-type",
                        "4",
                        "Application Server",
                    )
                ],
            },
            "entity": [*_entities(access)] or [_entity_of_server()],
        }


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _subtype(access: Access) -> dict[str, str]:
    if access.interaction == "login":
        return _coding(_DCM, "110122", "Login")
    if access.interaction == "logout":
        return _coding(_DCM, "110123", "Logout")
    if access.subtype is not None:
        return {"system": access.subtype[0], "code": access.subtype[1]}
    return {"system": _REST, "code": access.interaction}


def _outcome(status: int) -> str:
    if status < 400:
        return "0"
    return "4" if status < 500 else "8"


def _agent(caller: Caller | None, access: Access) -> dict[str, Any]:
    agent: dict[str, Any] = {
        "type": {"coding": [_coding(_DCM, "110153", "Source Role ID")]},
        "requestor": True,
    }
    if caller is None:
        agent["who"] = {"display": "not authenticated"}
    else:
        agent["who"] = {"reference": caller.reference, "display": caller.display}
    if access.address:
        agent["network"] = {"address": access.address, "type": "2"}
    return agent


def _entities(access: Access) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = [
        {
            "what": {"reference": reference},
            "type": _coding(_OBJECT, "2", "System Object"),
            "role": _coding(_ENTITY_ROLE, "4", "Domain Resource"),
        }
        for reference in access.entities
    ]
    if access.patient and access.patient not in access.entities:
        entities.append(
            {
                "what": {"reference": access.patient},
                "type": _coding(_OBJECT, "1", "Person"),
                "role": _coding(_ENTITY_ROLE, "1", "Patient"),
            }
        )
    if access.query is not None:
        entities.append(_query_entity(access.query))
    if access.request_id is not None:
        entities.append(_request_entity(access.request_id))
    return entities


def _query_entity(query: str) -> dict[str, Any]:
    return {
        "type": _coding(_OBJECT, "2", "System Object"),
        "role": _coding(_ENTITY_ROLE, "24", "Query"),
        "query": base64.b64encode(query.encode()).decode("ascii"),
    }


def _request_entity(request_id: str) -> dict[str, Any]:
    return {
        "what": {"identifier": {"value": request_id}},
        "type": _coding(
            "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
            "XrequestId",
            "X-Request-Id",
        ),
    }


def _entity_of_server() -> dict[str, Any]:
    return {
        "what": {"reference": "Device/aimed"},
        "type": _coding(_OBJECT, "2", "System Object"),
    }
