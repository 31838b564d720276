"""Requests that are too long, too many-headed or too deep are refused, and nothing else breaks."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.formats.nesting import deeper_than

FHIR = {"Content-Type": "application/fhir+json"}
XML = {"Content-Type": "application/fhir+xml"}


def questionnaire(depth: int) -> dict[str, Any]:
    """Items in items: two levels of JSON each, and one for the resource."""
    made: dict[str, Any] = {"resourceType": "Questionnaire", "status": "draft"}
    here = made
    for number in range(depth):
        here["item"] = [{"linkId": str(number), "type": "group", "text": 'a "quoted" [{ name'}]
        here = here["item"][0]
    here["type"] = "string"
    return made


def outcome(answer: httpx2.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return str(answer.json()["issue"][0]["code"])


async def test_addresses(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.get(f"/fhir/metadata?name={'a' * 16_000}")).status_code == 200
    assert outcome(await fhir.get(f"/fhir/Patient?name={'a' * 17_000}"), 414) == "too-long"
    assert outcome(await fhir.get(f"/fhir/{'a' * 17_000}"), 414) == "too-long"
    oauth = await fhir.get(f"/auth/authorize?state={'a' * 17_000}")
    assert (oauth.status_code, oauth.json()["error"]) == (414, "invalid_request")


async def test_headers(fhir: httpx2.AsyncClient) -> None:
    many = {f"x-{number}": "a" for number in range(101)}
    assert outcome(await fhir.get("/fhir/Patient", headers=many), 431) == "too-long"
    long = {"x-long": "a" * 33_000}
    assert outcome(await fhir.get("/fhir/Patient", headers=long), 431) == "too-long"
    usual = {f"x-{number}": "a" * 100 for number in range(80)}
    assert (await fhir.get("/fhir/Patient", headers=usual)).status_code == 200


@pytest.mark.parametrize("path", ["/auth/login", "/auth/token", "/auth/register", "/auth/launches"])
async def test_bodies_outside_fhir_are_short(anonymous: httpx2.AsyncClient, path: str) -> None:
    async def chunks() -> Any:
        for _ in range(300):
            yield b" " * 1024

    declared = await anonymous.post(path, content=b" " * 300_000)
    streamed = await anonymous.post(path, content=chunks())
    for answer in (declared, streamed):
        assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register", "/auth/launches"])
@pytest.mark.parametrize("depth", [65, 900, 100_000])
async def test_deep_bodies_outside_fhir(
    anonymous: httpx2.AsyncClient, path: str, depth: int
) -> None:
    body = '{"username":' + "[" * depth + "]" * depth + "}"
    headers = {"Content-Type": "application/json"}
    answer = await anonymous.post(path, content=body, headers=headers)
    assert answer.status_code == 400
    assert "nested" in answer.json()["error_description"]


async def test_deep_resources(fhir: httpx2.AsyncClient) -> None:
    stored = await fhir.post("/fhir/Questionnaire", json=questionnaire(31))
    assert stored.status_code == 201, stored.text
    address = f"/fhir/Questionnaire/{stored.json()['id']}"
    assert (await fhir.get(address, headers={"Accept": "application/fhir+xml"})).status_code == 200
    for depth in (33, 300, 20_000):
        body = b'{"resourceType":"Questionnaire","item":[' * depth + b"]}" * depth
        for method, path in (
            ("POST", "/fhir/Questionnaire"),
            ("PUT", "/fhir/Questionnaire/q"),
            ("POST", "/fhir"),
            ("POST", "/fhir/Questionnaire/$validate"),
            ("PATCH", address),
        ):
            answer = await fhir.request(method, path, content=body, headers=FHIR)
            assert outcome(answer, 400) == "structure"
    patch = b'[{"op":"add","path":"/text","value":' + b"[" * 900 + b"]" * 900 + b"}]"
    headers = {"Content-Type": "application/json-patch+json"}
    assert outcome(await fhir.patch(address, content=patch, headers=headers), 400) == "structure"


async def test_deep_xml(fhir: httpx2.AsyncClient) -> None:
    item = b'<item><linkId value="a"/><type value="group"/>'
    for depth in (40, 199, 5000):
        body = item * depth + b"</item>" * depth
        body = b'<Questionnaire xmlns="http://hl7.org/fhir"><status value="draft"/>' + body
        answer = await fhir.post(
            "/fhir/Questionnaire", content=body + b"</Questionnaire>", headers=XML
        )
        assert outcome(answer, 400) == "structure"


@pytest.mark.parametrize(
    "number",
    ["1" * 65, "1" * 1_000_000, "0." + "1" * 65, "1e999999999", "1e-999999999", "1E+400"],
)
async def test_endless_numbers(fhir: httpx2.AsyncClient, number: str) -> None:
    body = (
        '{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        f'"valueQuantity":{{"value":{number}}}}}'
    )
    began = time.process_time()
    answer = await fhir.post("/fhir/Observation", content=body, headers=FHIR)
    assert outcome(answer, 400) == "structure"
    assert time.process_time() - began < 2


@pytest.mark.parametrize("number", ["9" * 400, "1e999999999", "1e-999999999", "0." + "1" * 5000])
async def test_endless_numbers_in_a_search(fhir: httpx2.AsyncClient, number: str) -> None:
    for path in ("Observation?value-quantity", "RiskAssessment?probability", "Observation?date"):
        answer = await fhir.get(f"/fhir/{path}={number}")
        assert answer.status_code in (200, 400), (path, answer.text[:300])


async def test_form_fields(fhir: httpx2.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    many = "&".join(["_id=a"] * 1001)
    answer = await fhir.post("/fhir/Patient/_search", content=many, headers=form)
    assert outcome(answer, 400) == "structure"
    some = "&".join(["_id=a"] * 50)
    answer = await fhir.post("/fhir/Patient/_search", content=some, headers=form)
    assert answer.status_code == 200


JSON = st.recursive(
    st.none() | st.text(alphabet='ab"\\[]{}'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k"['), inner, max_size=3),
    max_leaves=30,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return 0
    return 1 + max(map(depth_of, value), default=0)


@given(JSON, st.integers(0, 12))
def test_the_scan_finds_the_depth_that_parsing_finds(value: Any, limit: int) -> None:
    assert deeper_than(json.dumps(value).encode(), limit) == (depth_of(value) > limit)


@given(st.binary(), st.integers(0, 3))
def test_the_scan_takes_any_bytes(body: bytes, limit: int) -> None:
    deeper_than(body, limit)
