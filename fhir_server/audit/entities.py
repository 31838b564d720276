"""What an access was about: resources, patients, the query, the request. IHE BALP 1.1."""

from __future__ import annotations

import base64
from typing import Any

from fhir_server.audit.access import Access
from fhir_server.audit.agents import SELF
from fhir_server.labels import Label
from fhir_server.labels.lattice import coding

_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_REQUEST = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
Entity = dict[str, Any]


def entities(access: Access) -> list[Entity]:
    """The resources by name, then the patients, the query and the request's id."""
    labels = dict(access.labels)
    found = [{**_data(one), **_labelled(labels.get(one, ()))} for one in access.entities]
    found += [_patient(reference) for reference in access.charts]
    if access.query is not None:
        found.append({**_query(access.query), **_labelled(labels.get("", ()))})
    if access.way is not None:
        found.append(_way(access.way))
    if access.request_id is not None:
        found.append(_request(access.request_id))
    return found


def _labelled(labels: tuple[Label, ...]) -> Entity:
    return {"securityLabel": [coding(one) for one in labels]} if labels else {}


def server_entity() -> Entity:
    """The server itself, for what is about nothing else."""
    return {"what": {"reference": SELF}, "type": _coding(_TYPE, "2", "System Object")}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _data(reference: str) -> Entity:
    return {
        "what": {"reference": reference},
        "type": _coding(_TYPE, "2", "System Object"),
        "role": _coding(_ROLE, "4", "Domain Resource"),
    }


def _patient(reference: str) -> Entity:
    return {
        "what": {"reference": reference},
        "type": _coding(_TYPE, "1", "Person"),
        "role": _coding(_ROLE, "1", "Patient"),
    }


def _way(way: str) -> Entity:
    """How somebody signed in, as a detail of what they signed in to."""
    return {**server_entity(), "detail": [{"type": "authentication", "valueString": way}]}


def _query(query: str) -> Entity:
    return {
        "type": _coding(_TYPE, "2", "System Object"),
        "role": _coding(_ROLE, "24", "Query"),
        "query": base64.b64encode(query.encode()).decode("ascii"),
    }


def _request(request_id: str) -> Entity:
    return {
        "what": {"identifier": {"value": request_id}},
        "type": _coding(_REQUEST, "XrequestId", "X-Request-Id"),
    }
