"""Every FHIR route with each of its outcomes: exactly these events, each as its pattern has it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import httpx2

from fhir_server.clock import random_id
from fhir_server.interactions.registry import interactions
from fhir_server.operations.registry import operations
from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account
from fhir_server.validation.validator import validate

Event = tuple[str, str, str, tuple[str, ...]]
"""Subtype, outcome, the profile's last part without `IHE.BasicAudit.`, the patients."""

A, B = "Patient/a", "Patient/b"
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "c"}}
REFUSED, FAILED = "4", "8"


def one(subtype: str, profile: str = "", *patients: str, outcome: str = "0") -> Event:
    return (subtype, outcome, profile, patients)


def no(subtype: str, *patients: str) -> list[Event]:
    return [one(subtype, "", *patients, outcome=REFUSED)]


def observed(id: str, patient: str) -> dict[str, Any]:
    return {**OBSERVATION, "id": id, "subject": {"reference": patient}}


def patch(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "add", "path": path, "value": value}]


def bundle(kind: str, *entries: tuple[str, str, Any]) -> dict[str, Any]:
    made = [
        {"request": {"method": method, "url": url}, **({"resource": body} if body else {})}
        for method, url, body in entries
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": made}


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    status: int
    events: list[Event]
    body: Any = None
    by: Literal["clinician", "limited", "nobody"] = "clinician"
    code: str = ""
    """The interaction or operation, for the check that none was forgotten."""


COMPOSITION = {
    "resourceType": "Composition",
    "id": "c",
    "status": "final",
    "type": {"text": "t"},
    "subject": {"reference": A},
    "date": "2026-01-01",
    "author": [{"reference": A}],
    "title": "t",
}
BOTH = [one("search-type", "PatientQuery", A), one("search-type", "PatientQuery", B)]
OPERATION = [one("operation", "PatientQuery", A), one("operation", "PatientQuery", B)]
SYSTEM = [one("search-system", "PatientQuery", A), one("search-system", "PatientQuery", B)]
META = {
    "resourceType": "Parameters",
    "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "t"}]}}],
}

ROWS = [
    Row("GET", "Patient/a", 200, [one("read", "PatientRead", A)], code="read"),
    Row("GET", "Observation/oa", 200, [one("read", "PatientRead", A)]),
    Row("GET", "Organization/o", 200, [one("read", "Read")]),
    Row("GET", "Patient/none", 404, no("read", "Patient/none")),
    Row("GET", "Observation/oa", 403, no("read"), by="limited"),
    Row("GET", "Observation/oa", 401, no("read"), by="nobody"),
    Row("GET", "Patient/a/_history/1", 200, [one("vread", "PatientRead", A)], code="vread"),
    Row("GET", "Observation/oa/_history/9", 404, no("vread")),
    Row("GET", "Patient/a/_history", 200, [one("history-instance", "", A)],
        code="history-instance"),
    Row("GET", "Patient/none/_history", 404, no("history-instance", "Patient/none")),
    Row("GET", "Patient/_history", 200, [one("history-type", "", A, B)], code="history-type"),
    Row("GET", "Observation/_history", 403, no("history-type"), by="limited"),
    Row("GET", "_history", 403, no("history-system"), by="limited", code="history-system"),
    Row("GET", "Patient", 200, BOTH, code="search-type"),
    Row("GET", "Observation?_include=Observation:subject", 200, BOTH),
    Row("GET", "Observation?subject=Patient/a", 200, [one("search-type", "PatientQuery", A)]),
    Row("GET", "Organization", 200, [one("search-type", "Query")]),
    Row("GET", "Patient?family=nobody", 200, [one("search-type", "Query")]),
    Row("GET", "Patient?_nonsense=1", 400, no("search-type")),
    Row("GET", "Observation", 403, no("search-type"), by="limited"),
    Row("GET", "Observation", 401, no("search-type"), by="nobody"),
    Row("POST", "Patient/_search", 200, BOTH),
    Row("GET", "Patient/a/Observation", 200, [one("search-type", "PatientQuery", A)]),
    Row("GET", "Patient/a/Condition", 200, [one("search-type", "PatientQuery", A)]),
    Row("GET", "?_type=Patient,Organization", 200, SYSTEM, code="search-system"),
    Row("POST", "_search?_type=Patient", 200, SYSTEM),
    Row("GET", "Patient/a/$everything", 200, OPERATION[:1], code="everything"),
    Row("GET", "Patient/$everything", 200, OPERATION),
    Row("GET", "Patient/none/$everything", 404, no("operation", "Patient/none")),
    Row("GET", "Patient/a/$nonsense", 404, no("operation", A)),
    Row("GET", "Observation/$lastn?subject=Patient/a&category=x", 200, [one("operation", "Query")],
        code="lastn"),
    Row("GET", "Composition/c/$document", 200, OPERATION[:1], code="document"),
    Row("GET", "Patient/a/$meta", 200, [one("operation", "", A)], code="meta"),
    Row("POST", "Patient/a/$meta-add", 200, [one("operation", "", A)], META,
        code="meta-add"),
    Row("POST", "Patient/a/$meta-delete", 200, [one("operation", "", A)], META,
        code="meta-delete"),
    Row("POST", "Patient/$validate", 200, [one("operation")], {"resourceType": "Patient"},
        code="validate"),
    Row("GET", "$versions", 200, [one("operation")], code="versions"),
    Row("POST", "$reindex", 403, no("operation"), by="limited", code="reindex"),
    Row("GET", "$reindex-progress", 403, no("operation"), by="limited", code="reindex-progress"),
    Row("POST", "Observation", 201, [one("create", "PatientCreate", A)], observed("x", A),
        code="create"),
    Row("POST", "Organization", 201, [one("create", "Create")],
        {"resourceType": "Organization", "name": "n"}),
    Row("POST", "Patient", 422, no("create"), {"resourceType": "Patient", "gender": "x"}),
    Row("POST", "Observation", 403, no("create"), observed("x", A), by="limited"),
    Row("POST", "Observation", 401, no("create"), observed("x", A), by="nobody"),
    Row("PUT", "Observation/ob", 200, [one("update", "PatientUpdate", B)],
        {**observed("ob", B), "status": "amended"}, code="update"),
    Row("PUT", "Observation/new", 201, [one("create", "PatientCreate", B)], observed("new", B)),
    Row("PUT", "Observation/ob", 400, no("update"), observed("other", B)),
    Row("PUT", "Observation/ob", 403, no("update"), observed("ob", B), by="limited"),
    Row("PATCH", "Observation/ob", 200, [one("patch", "PatientUpdate", B)],
        patch("/status", "final"), code="patch"),
    Row("PATCH", "Observation/none", 404, no("patch"), patch("/status", "final")),
    Row("POST", "", 200, [one("read", "PatientRead", A), *BOTH],
        bundle("batch", ("GET", "Observation/oa", None), ("GET", "Patient", None)), code="batch"),
    Row("POST", "", 200,
        [one("create", "", A), one("update", "PatientUpdate", B)],
        bundle("transaction", ("POST", "Observation", observed("p", A)),
               ("POST", "Observation", observed("q", A)), ("PUT", "Patient/b",
               {"resourceType": "Patient", "id": "b", "active": True})), code="transaction"),
    Row("POST", "", 404, no("transaction", "Patient/none"),
        bundle("transaction", ("GET", "Patient/none", None))),
    Row("POST", "", 200, no("read"), bundle("batch", ("GET", "Observation/oa", None)),
        by="limited"),
    Row("GET", "Patient/a?_nonsense=1", 400, no("read", A)),
    Row("DELETE", "Observation/ob", 204, [one("delete", "PatientDelete", B)], code="delete"),
    Row("DELETE", "Observation/none", 204, [one("delete", "Delete")]),
    Row("DELETE", "Observation/oa", 403, no("delete"), by="limited"),
    Row("GET", "Observation/ob", 410, no("read")),
    Row("GET", "metadata", 200, [], by="nobody"),
]  # fmt: skip


def seen(event: dict[str, Any]) -> Event:
    profile = event.get("meta", {}).get("profile", [""])[0].rpartition("IHE.BasicAudit.")[2]
    whose = [part["what"]["reference"] for part in event["entity"] if part["type"]["code"] == "1"]
    return (event["subtype"][0]["code"], event["outcome"], profile, tuple(whose))


def faults(event: dict[str, Any]) -> list[str]:
    """Where it is not as the profile that it names wants it. IHE BALP 1.1."""
    found = [issue.text for issue in validate(event)]
    parts = Counter(
        (part["type"]["code"], part.get("role", {}).get("code")) for part in event["entity"]
    )
    profile = seen(event)[2]
    wanted: dict[tuple[str, str], int] = {}
    if profile.startswith("Patient"):
        wanted["1", "1"] = 1
    if profile.endswith("Query"):
        wanted["2", "24"] = 1
    elif profile:
        wanted["2", "4"] = 1
    found += [f"{part} not once" for part, count in wanted.items() if parts[part] != count]
    if profile and sum(agent["requestor"] for agent in event["agent"]) != 1:
        found.append("not one requestor")
    return found


class Trail:
    """What came since the last look."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server
        self._known: set[str] = set()

    async def new(self) -> list[dict[str, Any]]:
        page = await self._server.server.store.history({"type": "AuditEvent"}, count=500)
        fresh = [entry.resource() for entry in page.entries if entry.id not in self._known]
        self._known |= {event["id"] for event in fresh}
        return fresh


async def prepare(fhir: httpx2.AsyncClient) -> None:
    for body in (
        {"resourceType": "Patient", "id": "a"},
        {"resourceType": "Patient", "id": "b"},
        {"resourceType": "Organization", "id": "o", "name": "o"},
        observed("oa", A),
        observed("ob", B),
        COMPOSITION,
    ):
        answer = await fhir.put(f"/fhir/{body['resourceType']}/{body['id']}", json=body)
        assert answer.status_code == 201, answer.text


async def test_each_route_and_outcome(fhir: httpx2.AsyncClient, server: FhirServer) -> None:
    await prepare(fhir)
    account = Account("limited", "", "Practitioner/l", "L", (), "user/Basic.cruds")
    limited = (await server.authenticator.issue(account)).access_token
    tokens = {"limited": {"Authorization": f"Bearer {limited}"}, "nobody": {"Authorization": ""}}
    trail, wrong = Trail(server), []
    await trail.new()
    for row in ROWS:
        headers = dict(tokens.get(row.by, {}))
        if row.method == "PATCH":
            headers["Content-Type"] = "application/json-patch+json"
        answer = await fhir.request(row.method, f"/fhir/{row.path}", json=row.body, headers=headers)
        events = await trail.new()
        told = Counter(seen(event) for event in events)
        if answer.status_code != row.status or told != Counter(row.events):
            wrong.append((row.method, row.path, row.by, answer.status_code, dict(told)))
        wrong += [(row.path, fault) for event in events for fault in faults(event)]
    assert wrong == [], "\n".join(map(str, wrong))


def test_no_route_was_forgotten() -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    offered = {one.code for one in interactions(random_id, nothing)}
    offered |= {one.name for one in operations(random_id)}
    assert {row.code for row in ROWS if row.code} == offered
