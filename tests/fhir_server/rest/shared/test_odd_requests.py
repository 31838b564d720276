"""Requests that are wrong in ways that clients seldom are: refused in words, never a fault."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from fhir_server.errors import Malformed
from fhir_server.resource import loads
from fhir_server.server import FhirServer
from tests.accounts import dr_adams

JSON = {"Content-Type": "application/json"}
CONDITIONS = ("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince")
ODD: tuple[Any, ...] = (5, 1.5, True, {}, [], [{}])


def entry(method: str, url: str, resource: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    return made if resource is None else {**made, "resource": resource}


def every_condition(odd: Any) -> list[dict[str, Any]]:
    patient = {"resourceType": "Patient"}
    return [
        one
        for name in CONDITIONS
        for one in (
            entry("POST", "Patient", patient, **{name: odd}),
            entry("PUT", "Patient/x", {**patient, "id": "x"}, **{name: odd}),
            entry("GET", "Patient/x", None, **{name: odd}),
            entry("DELETE", "Patient/x", None, **{name: odd}),
        )
    ]


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_no_text_in_an_entry_is_that_entrys_error(
    fhir: httpx2.AsyncClient, odd: Any
) -> None:
    entries = every_condition(odd)
    entries.append(entry("PATCH", "Patient/x", {"resourceType": "Binary", "data": odd}))
    sent = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = await fhir.post("/fhir", json=sent)
    assert answer.status_code == 200
    told = [one["response"]["status"] for one in answer.json()["entry"]]
    assert told[:-1] == ["400"] * len(entries[:-1])
    assert told[-1] in ("400", "404")


async def test_a_transaction_with_such_an_entry_is_refused(fhir: httpx2.AsyncClient) -> None:
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": every_condition(5)}
    assert (await fhir.post("/fhir", json=sent)).status_code == 400


async def test_a_date_with_an_impossible_offset(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/x", json={"resourceType": "Patient", "id": "x"})
    since = {"If-Modified-Since": "Mon, 01 Jan 2020 00:00:00 +99999999999999"}
    for path in ("/fhir/Patient/x", "/fhir/Patient/x/_history/1"):
        assert (await fhir.get(path, headers=since)).status_code == 400


def test_a_repeated_key_among_many_is_found_quickly() -> None:
    body = "{" + ",".join(f'"a{number}":1' for number in range(100_000)) + ',"a99999":2}'
    began = time.thread_time()
    with pytest.raises(Malformed):
        loads(body)
    assert time.thread_time() - began < 10  # by counting each name it is hours


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/login", '{"username":"a","username":"dr.adams","password":"b"}'),
        ("/auth/login", '{"username":"a","password":NaN}'),
        ("/auth/emergency", '{"patient":"a","patient":"b","reason":"a good reason"}'),
        ("/auth/launches", '{"client":"app","client":"other"}'),
        ("/auth/account/password", '{"current":"a","new":"b","new":"c"}'),
    ],
)
async def test_json_outside_fhir_is_as_strict(
    fhir: httpx2.AsyncClient, path: str, body: str
) -> None:
    answer = await fhir.post(path, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert json.loads(answer.text)["error_description"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hidden(fhir: httpx2.AsyncClient, server: FhirServer) -> str:
    """A token about Patient/a, which changed once, while Patient/b changed often."""
    for version in range(6):
        for id in ("a", "b") if version in (2, 3) else ("b",):
            sent = {"resourceType": "Patient", "id": id, "birthDate": f"200{version}"}
            await fhir.put(f"/fhir/Patient/{id}", json=sent)
    token = await server.authenticator.issue_for(
        dr_adams(), scope="patient/Patient.rs", lifetime=600, client="app", patient="Patient/a"
    )
    return token.access_token


async def test_history_tells_nothing_of_what_is_hidden(
    fhir: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, hidden: str
) -> None:
    """Neither whether a resource exists, nor how often or when it was changed."""
    headers = {"Authorization": f"Bearer {hidden}"}
    for query in ("", "?_since=2020-01-01T00:00:00Z", "?_at=2020", "?_since=2999-01-01T00:00:00Z"):
        for id in ("b", "nobody"):
            answer = await anonymous.get(f"/fhir/Patient/{id}/_history{query}", headers=headers)
            assert answer.status_code == 404, (id, query)
    later = await anonymous.get(
        "/fhir/Patient/a/_history?_since=2999-01-01T00:00:00Z", headers=headers
    )
    assert later.status_code == 200
    page = (await anonymous.get("/fhir/Patient/_history?_count=1", headers=headers)).json()
    assert [one["resource"]["id"] for one in page["entry"]] == ["a"]
    assert [link["relation"] for link in page["link"]] == ["self", "next"]
    address = page["link"][1]["url"].removeprefix("http://test")
    page = (await anonymous.get(address, headers=headers)).json()
    assert [one["response"]["etag"] for one in page["entry"]] == ['W/"1"']
    assert [link["relation"] for link in page["link"]] == ["self"]


async def test_a_plan_counts_what_may_be_found(anonymous: httpx2.AsyncClient, hidden: str) -> None:
    headers = {"Authorization": f"Bearer {hidden}"}
    for query in ("birthdate=2005", "_id=b", "birthdate=gt1900"):
        path = f"/fhir/Patient?{query}&_explain=true"
        answer = (await anonymous.get(path, headers=headers)).json()
        plan = [one["resource"] for one in answer["entry"] if one["search"]["mode"] == "outcome"]
        told = [one["diagnostics"] for one in plan[0]["issue"] if "left." in one["diagnostics"]]
        allowed = ("0 resources left.", "1 resources left.")
        expected = allowed[1] if query == "birthdate=gt1900" else allowed[0]
        assert told
        assert all(one.endswith(f", {expected}") for one in told), told
