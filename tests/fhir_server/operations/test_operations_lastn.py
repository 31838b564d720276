"""Observation/$lastn. https://hl7.org/fhir/R4/observation-operation-lastn.html"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fhir_server.operations.lastn import kinds

LOINC = "http://loinc.org"
PULSE, WEIGHT = "8867-4", "29463-7"


def observation(id: str, when: str | None, *codes: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": code} for code in codes]},
        "subject": {"reference": "Patient/p1"},
        **more,
    }
    if when is not None:
        made["effectiveDateTime"] = when
    return made


@pytest.fixture
async def observed(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    listed = [
        observation("pulse-3", "2024-03-01T10:00:00Z", PULSE),
        observation("pulse-1", "2024-01-01T10:00:00Z", PULSE),
        observation("pulse-2", "2024-02-01T10:00:00Z", PULSE),
        observation("pulse-2-too", "2024-02-01T12:00:00+02:00", PULSE),
        observation("pulse-old", "2010-01-01", PULSE),
        observation("pulse-undated", None, PULSE),
        observation("weight-1", "2023-01-01", WEIGHT),
        observation("weight-2", "2023-06-01", WEIGHT, status="entered-in-error"),
        observation("other", "2024-05-01", PULSE, subject={"reference": "Patient/p2"}),
        observation("lab", "2024-05-01", "2345-7", category=[{"coding": [{"code": "laboratory"}]}]),
    ]
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"Observation/{one['id']}"}}
        for one in listed
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 200, answer.text
    return fhir


async def last(client: httpx2.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"/fhir/Observation/$lastn?{query}")
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "searchset"
    assert bundle["total"] == len(bundle.get("entry", []))
    assert {one["search"]["mode"] for one in bundle.get("entry", [])} <= {"match"}
    return [one["resource"]["id"] for one in bundle.get("entry", [])]


async def test_the_newest_of_each_code(observed: httpx2.AsyncClient) -> None:
    found = await last(observed, "patient=Patient/p1&category=vital-signs")
    assert found == ["pulse-3", "weight-2"]
    assert await last(observed, "subject=Patient/p1&category=vital-signs&max=1") == found


async def test_max_with_ties_newest_first(observed: httpx2.AsyncClient) -> None:
    found = await last(observed, "patient=p1&category=vital-signs&max=2")
    assert found[0] == "pulse-3"
    assert {*found[1:3]} == {"pulse-2", "pulse-2-too"}
    assert found[3:] == ["weight-2", "weight-1"]
    found = await last(observed, "patient=p1&code=8867-4&max=99")
    assert found[-2:] == ["pulse-old", "pulse-undated"]


async def test_other_search_parameters_narrow(observed: httpx2.AsyncClient) -> None:
    query = "patient=p1&category=vital-signs"
    assert await last(observed, f"{query}&date=le2020") == ["pulse-old"]
    assert await last(observed, f"{query}&status=final") == ["pulse-3", "weight-1"]
    assert await last(observed, f"{query}&status:not=final") == ["weight-2"]
    assert await last(observed, "patient=p3&category=vital-signs") == []


async def test_by_post(observed: httpx2.AsyncClient) -> None:
    answer = await observed.post(
        "/fhir/Observation/$lastn",
        json={
            "resourceType": "Parameters",
            "parameter": [
                {"name": "max", "valuePositiveInt": 1},
                {"name": "patient", "valueString": "Patient/p1"},
                {"name": "code", "valueString": f"{LOINC}|{PULSE}"},
            ],
        },
    )
    assert answer.status_code == 200, answer.text
    assert [one["resource"]["id"] for one in answer.json()["entry"]] == ["pulse-3"]


@pytest.mark.parametrize(
    "query",
    [
        "category=vital-signs",
        "patient=p1",
        "patient=p1&date=2020",
        "patient=p1&category=vital-signs&max=0",
        "patient=p1&category=vital-signs&max=two",
        "patient=p1&category=vital-signs&colour=red",
        "patient=p1&category=vital-signs&_sort=date",
        "patient=p1&category=vital-signs&_include=*",
    ],
)
async def test_what_is_missing_or_wrong_is_400(observed: httpx2.AsyncClient, query: str) -> None:
    answer = await observed.get(f"/fhir/Observation/$lastn?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


def coded(*codes: str, text: str | None = None) -> dict[str, Any]:
    code: dict[str, Any] = {"coding": [{"system": "s", "code": one} for one in codes]}
    return {"code": {"text": text} if text else code}


@pytest.mark.parametrize(
    ("observations", "groups"),
    [  # the table in the definition, and a longer chain of translations
        ([coded("a"), coded("b"), coded("c")], 3),
        ([coded("a"), coded("b"), coded("a", "c")], 2),
        ([coded("a"), coded("b"), coded("a", "b")], 1),
        ([coded(text="text"), coded(text="Text"), coded(text="t e x t")], 3),
        ([coded("a", "b"), coded("c", "d"), coded("e"), coded("b", "c"), coded("d", "e")], 1),
        ([{"code": {}}, {"code": {}}], 2),
        ([{"code": {"coding": [{"code": "a"}]}}, coded("a")], 2),
    ],
)
def test_equality_of_codes_goes_on(observations: list[dict[str, Any]], groups: int) -> None:
    found = kinds(observations)
    assert len(found) == groups
    assert sorted(place for kind in found for place in kind.places) == [*range(len(observations))]
