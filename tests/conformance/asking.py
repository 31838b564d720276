"""How the conformance tests put requests and read answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"


def resource(type: str, id: str, /, **members: Any) -> Json:
    return {"resourceType": type, "id": id, **members}


def coding(system: str, code: str, display: str | None = None) -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def coded(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    return {"coding": [coding(system, code, display)], **({"text": text} if text else {})}


def to(reference: str) -> Json:
    return {"reference": reference}


def ucum(value: float, code: str) -> Json:
    return {"value": value, "unit": code, "system": UCUM, "code": code}


def observation(id: str, /, **members: Any) -> Json:
    """A valid Observation; what is given outweighs what is made up."""
    made = resource("Observation", id, status="final", code=coded(LOINC, "8867-4"))
    return {**made, **members}


def address(query: str) -> str:
    """The path of a query written plainly: what URLs reserve is escaped."""
    return ("/fhir" if query.startswith("?") else "/fhir/") + quote(query, safe="?&=/:,*$")


async def keep(client: httpx2.AsyncClient, resources: list[Json]) -> None:
    """Put resources on the server."""
    for one in resources:
        answer = await client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code in (200, 201), answer.text


async def searchset(client: httpx2.AsyncClient, query: str) -> Json:
    """The Bundle that answers a search."""
    answer = await client.get(address(query))
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    assert body["resourceType"] == "Bundle"
    assert body["type"] == "searchset"
    return body


def entries(bundle: Json, mode: str = "match") -> list[Json]:
    return [one["resource"] for one in bundle.get("entry", []) if one["search"]["mode"] == mode]


def ids(bundle: Json, mode: str = "match") -> list[str]:
    return [one["id"] for one in entries(bundle, mode)]


async def found(client: httpx2.AsyncClient, query: str) -> str:
    """The ids of all matches in the order of the alphabet, parted by blanks."""
    return " ".join(sorted(ids(await searchset(client, query))))


def link(bundle: Json, relation: str) -> str | None:
    urls = [one["url"] for one in bundle.get("link", []) if one["relation"] == relation]
    return urls[0] if urls else None


def issues(answer: httpx2.Response) -> list[Json]:
    """The issues of an answer that is an OperationOutcome as R4 has it."""
    assert answer.headers["content-type"].startswith("application/fhir+json"), answer.text
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    assert body["issue"], "an OperationOutcome has at least one issue"
    for issue in body["issue"]:
        assert issue["severity"] in ("fatal", "error", "warning", "information")
        assert issue["code"]
    found: list[Json] = body["issue"]
    return found


def refused(answer: httpx2.Response, *statuses: int) -> list[Json]:
    """The issues of a refusal with one of the statuses, at least one of them an error."""
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    found = issues(answer)
    assert any(issue["severity"] in ("fatal", "error") for issue in found)
    return found
