"""batch and transaction. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conformance.asking import Json, ids, keep, observation, refused, resource, searchset, to

ANN, OBS = "urn:uuid:00000000-0000-4000-8000-00000000000a", "urn:uuid:00000000-0000-4000-8000-0b"


def entry(method: str, url: str, body: Json | None = None, **request: str) -> Json:
    made: Json = {"request": {"method": method, "url": url, **request}}
    return made if body is None else {**made, "resource": body}


def bundle(type: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


async def send(fhir: httpx2.AsyncClient, type: str, *entries: Json, prefer: str = "") -> list[Json]:
    answer = await fhir.post("/fhir", json=bundle(type, *entries), headers={"Prefer": prefer})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == f"{type}-response"
    assert len(body["entry"]) == len(entries), "one entry for each entry of the request"
    found: list[Json] = body["entry"]
    return found


def statuses(entries: list[Json]) -> list[str]:
    return [one["response"]["status"][:3] for one in entries]


PATIENT = {"resourceType": "Patient", "active": True}


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_every_interaction(fhir: httpx2.AsyncClient, type: str) -> None:
    await keep(fhir, [resource("Patient", f"{type}-{n}") for n in ("del", "read", "upd", "patch")])
    patch = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0=",
    }
    found = await send(
        fhir,
        type,
        entry("GET", f"Patient/{type}-read"),
        entry("GET", f"Patient?_id={type}-read"),
        entry("PUT", f"Patient/{type}-upd", resource("Patient", f"{type}-upd", active=True)),
        entry("PUT", f"Patient/{type}-new", resource("Patient", f"{type}-new")),
        entry("POST", "Patient", PATIENT),
        entry("DELETE", f"Patient/{type}-del"),
        entry("PATCH", f"Patient/{type}-patch", patch),
        entry("GET", f"Patient/{type}-read/_history/1"),
    )
    wanted = ["200", "200", "200", "201", "201", "204", "200", "200"]
    assert [one.replace("204", "200") for one in statuses(found)] == [
        one.replace("204", "200") for one in wanted
    ]
    assert found[0]["resource"]["id"] == f"{type}-read"
    assert found[1]["resource"]["type"] == "searchset"
    assert ids(found[1]["resource"]) == [f"{type}-read"]
    for one in (found[2], found[3], found[4]):
        assert one["response"]["etag"].startswith('W/"')
        assert one["response"]["lastModified"]
    assert "/_history/1" in found[4]["response"]["location"]
    assert (await fhir.get(f"/fhir/Patient/{type}-del")).status_code == 410
    assert (await fhir.get(f"/fhir/Patient/{type}-patch")).json()["active"] is True


async def test_a_batch_runs_each_entry_alone(fhir: httpx2.AsyncClient) -> None:
    found = await send(
        fhir,
        "batch",
        entry("POST", "Patient", {"resourceType": "Patient", "nonsense": 1}),
        entry("POST", "Patient", PATIENT),
        entry("GET", "Patient/none-such"),
        entry("GET", "Nonsense/1"),
        entry("GET", "Patient?nonsense=1"),
        entry("PUT", "Patient/batch-ok", resource("Patient", "batch-ok")),
    )
    got = statuses(found)
    assert got[0] in ("400", "422")
    assert [got[1], *got[2:4], got[5]] == ["201", "404", "404", "201"]
    assert got[4] == "400"
    assert found[0]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert found[2]["response"]["outcome"]["issue"]


@pytest.mark.parametrize(
    "bad",
    [
        entry("POST", "Patient", {"resourceType": "Patient", "nonsense": 1}),
        entry("PUT", "Patient/x", resource("Patient", "y")),
        entry("PUT", "Patient/locked", resource("Patient", "locked"), ifMatch='W/"99"'),
        entry("POST", "Nonsense", {"resourceType": "Nonsense"}),
        entry("POST", "Observation", observation("o", subject=to("Patient?identifier=nobody"))),
        entry("GET", "Patient/none-such"),
        entry("PATCH", "Patient/none-such", {"resourceType": "Parameters", "parameter": []}),
        entry("POST", "Patient"),
        {"resource": PATIENT},
    ],
)
async def test_a_transaction_is_all_or_nothing(fhir: httpx2.AsyncClient, bad: Json) -> None:
    good = entry("PUT", "Patient/never", resource("Patient", "never"))
    answer = await fhir.post("/fhir", json=bundle("transaction", good, bad))
    assert 400 <= answer.status_code < 500
    refused(answer, answer.status_code)
    assert (await fhir.get("/fhir/Patient/never")).status_code == 404


async def test_references_between_entries(fhir: httpx2.AsyncClient) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{ANN}">Ann</a></div>'
    seen = observation(
        "ignored",
        subject=to(ANN),
        text={"status": "generated", "div": div},
        extension=[{"url": "http://acme.org/e", "valueUri": ANN}],
    )
    seen.pop("id")
    found = await send(
        fhir,
        "transaction",
        {"fullUrl": OBS, **entry("POST", "Observation", seen)},
        {"fullUrl": ANN, **entry("POST", "Patient", PATIENT)},
    )
    paths = [one["response"]["location"].split("/_history")[0] for one in found]
    observed, ann = ("/".join(path.split("/")[-2:]) for path in paths)
    one = (await fhir.get(f"/fhir/{observed}")).json()
    assert one["subject"]["reference"] == ann
    assert ANN not in one["text"]["div"]
    assert one["extension"][0]["valueUri"] != ANN
    assert ids(await searchset(fhir, f"Observation?subject={ann}")) == [one["id"]]


async def test_circular_references(fhir: httpx2.AsyncClient) -> None:
    left, right = (
        "urn:uuid:00000000-0000-4000-8000-0000000000c1",
        "urn:uuid:00000000-0000-4000-8000-0000000000c2",
    )

    def linked(other: str) -> Json:
        return {**PATIENT, "link": [{"other": to(other), "type": "seealso"}]}

    found = await send(
        fhir,
        "transaction",
        {"fullUrl": left, **entry("POST", "Patient", linked(right))},
        {"fullUrl": right, **entry("POST", "Patient", linked(left))},
        prefer="return=representation",
    )
    first, second = (one["resource"] for one in found)
    assert first["link"][0]["other"]["reference"] == f"Patient/{second['id']}"
    assert second["link"][0]["other"]["reference"] == f"Patient/{first['id']}"


async def test_conditional_references(fhir: httpx2.AsyncClient) -> None:
    number = [{"system": "urn:cr", "value": "1"}]
    await keep(fhir, [resource("Patient", "known", identifier=number)])
    body = observation("x", subject=to("Patient?identifier=urn:cr|1"))
    found = await send(
        fhir,
        "transaction",
        entry("POST", "Observation", body),
        prefer="return=representation",
    )
    assert found[0]["resource"]["subject"]["reference"] == "Patient/known"


async def test_the_order_of_entries_makes_no_difference(fhir: httpx2.AsyncClient) -> None:
    """DELETE, POST, PUT and PATCH, GET."""
    await keep(fhir, [resource("Patient", "ordered", gender="male")])
    found = await send(
        fhir,
        "transaction",
        entry("GET", "Patient/ordered"),
        entry("PUT", "Patient/ordered", resource("Patient", "ordered", gender="female")),
    )
    assert found[0]["resource"]["gender"] == "female"


@pytest.mark.parametrize(
    "pair",
    [
        [
            entry("PUT", "Patient/twin", resource("Patient", "twin")),
            entry("PUT", "Patient/twin", resource("Patient", "twin", active=True)),
        ],
        [
            entry("PUT", "Patient/twin", resource("Patient", "twin")),
            entry("DELETE", "Patient/twin"),
        ],
    ],
)
async def test_a_resource_appears_once_only(fhir: httpx2.AsyncClient, pair: list[Json]) -> None:
    answer = await fhir.post("/fhir", json=bundle("transaction", *pair))
    assert 400 <= answer.status_code < 500
    assert (await fhir.get("/fhir/Patient/twin")).status_code == 404


async def test_conditional_entries(fhir: httpx2.AsyncClient) -> None:
    body: dict[str, Any] = {**PATIENT, "identifier": [{"system": "urn:ce", "value": "1"}]}
    search = "identifier=urn:ce|1"
    made = await send(fhir, "transaction", entry("POST", "Patient", body, ifNoneExist=search))
    again = await send(fhir, "transaction", entry("POST", "Patient", body, ifNoneExist=search))
    assert statuses([*made, *again]) == ["201", "200"]
    changed = {**body, "active": False}
    put = await send(fhir, "transaction", entry("PUT", f"Patient?{search}", changed))
    assert statuses(put) == ["200"]
    gone = await send(fhir, "transaction", entry("DELETE", f"Patient?{search}"))
    assert statuses(gone)[0] in ("200", "204")
    assert ids(await searchset(fhir, f"Patient?{search}")) == []


async def test_if_none_match_inside(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "cached")])
    found = await send(fhir, "batch", entry("GET", "Patient/cached", ifNoneMatch='W/"1"'))
    assert statuses(found) == ["304"]


async def test_if_match_inside(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "matched")])
    body = resource("Patient", "matched", active=True)
    found = await send(fhir, "transaction", entry("PUT", "Patient/matched", body, ifMatch='W/"1"'))
    assert statuses(found) == ["200"]


async def test_prefer(fhir: httpx2.AsyncClient) -> None:
    one = entry("POST", "Patient", PATIENT)
    (minimal,) = await send(fhir, "transaction", one, prefer="return=minimal")
    assert "resource" not in minimal
    (whole,) = await send(fhir, "transaction", one, prefer="return=representation")
    assert whole["resource"]["resourceType"] == "Patient"


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_an_empty_bundle_is_no_error(fhir: httpx2.AsyncClient, type: str) -> None:
    answer = await fhir.post("/fhir", json={"resourceType": "Bundle", "type": type})
    assert answer.status_code == 200
    assert answer.json()["type"] == f"{type}-response"


@pytest.mark.parametrize(
    "body",
    [
        PATIENT,
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "nonsense"},
        {"resourceType": "Bundle", "type": "searchset"},
        {"resourceType": "Bundle", "type": "transaction", "entry": "x"},
    ],
)
async def test_other_bodies_are_refused(fhir: httpx2.AsyncClient, body: Json) -> None:
    refused(await fhir.post("/fhir", json=body), 400, 422)


async def test_operations_inside(fhir: httpx2.AsyncClient) -> None:
    found = await send(fhir, "batch", entry("POST", "Patient/$validate", PATIENT))
    assert statuses(found) == ["200"]
    assert found[0]["resource"]["resourceType"] == "OperationOutcome"


async def test_a_bundle_that_is_kept(fhir: httpx2.AsyncClient) -> None:
    """POST [base]/Bundle is a create, whatever the type of the Bundle."""
    body = bundle("transaction", entry("PUT", "Patient/kept-in", resource("Patient", "kept-in")))
    answer = await fhir.post("/fhir/Bundle", json=body)
    assert answer.status_code == 201
    assert (await fhir.get("/fhir/Patient/kept-in")).status_code == 404
