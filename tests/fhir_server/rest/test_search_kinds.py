"""Every kind of search parameter, chain, include, order and page, asked over HTTP of a ward."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
PRESSURE = {"unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}


def coded(code: str, **rest: str) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code, **rest}]}


def resource(type: str, id: str, **members: Any) -> dict[str, Any]:
    return {"resourceType": type, "id": id, **members}


def to(reference: str) -> dict[str, str]:
    return {"reference": reference}


NARRATIVE = '<div xmlns="http://www.w3.org/1999/xhtml">Zebra stripes</div>'
NUMBER = {
    "type": {"coding": [{"system": V2_0203, "code": "MR"}], "text": "Medical record"},
    "system": "urn:mrn",
    "value": "A-100",
}
WARD = [
    resource("Organization", "org", name="Acme"),
    resource("Practitioner", "doc", name=[{"family": "House"}]),
    resource(
        "Patient",
        "p1",
        identifier=[NUMBER],
        active=True,
        name=[{"family": "Müller", "given": ["Anna", "Maria"]}],
        birthDate="1980-05-17",
        gender="female",
        generalPractitioner=[to("Practitioner/doc")],
        managingOrganization=to("Organization/org"),
    ),
    resource(
        "Patient",
        "p2",
        name=[{"family": "Smith", "given": ["John"]}],
        birthDate="1975-01",
        gender="male",
        text={"status": "generated", "div": NARRATIVE},
    ),
    resource("Location", "campus", name="Campus"),
    resource(
        "Location",
        "clinic",
        name="Ann Arbor clinic",
        position={"longitude": -83.69, "latitude": 42.25},
        partOf=to("Location/campus"),
    ),
    resource(
        "Encounter",
        "visit",
        status="planned",
        **{"class": {"code": "AMB"}},
        subject=to("Patient/p1"),
        location=[{"location": to("Location/clinic")}],
    ),
    resource(
        "Observation",
        "o1",
        status="final",
        code={**coded("8480-6", display="Systolic blood pressure"), "text": "BP sys"},
        subject=to("Patient/p1"),
        effectiveDateTime="2024-03-01T10:00:00+01:00",
        valueQuantity={"value": 140, **PRESSURE},
    ),
    resource(
        "Observation",
        "o2",
        status="preliminary",
        code=coded("85354-9"),
        subject={**to("Patient/p1"), "identifier": {"system": "urn:mrn", "value": "A-100"}},
        effectivePeriod={"start": "2024-02-01"},
        component=[
            {"code": coded("8480-6"), "valueQuantity": {"value": 120, **PRESSURE}},
            {"code": coded("8462-4"), "valueQuantity": {"value": 80, **PRESSURE}},
        ],
    ),
    resource(
        "Observation",
        "o3",
        status="final",
        code={"text": "Weight"},
        subject=to("Patient/p2"),
        effectiveDateTime="2023",
        valueQuantity={"value": 5.4, "unit": "mg", "system": UCUM, "code": "mg"},
    ),
    resource(
        "RiskAssessment",
        "risk",
        status="final",
        subject=to("Patient/p1"),
        prediction=[{"probabilityDecimal": 0.8}],
    ),
    resource("List", "list", status="current", mode="working", entry=[{"item": to("Patient/p2")}]),
    resource(
        "ValueSet",
        "pressures",
        status="active",
        url="http://acme.org/fhir/ValueSet/pressures",
        compose={"include": [{"system": LOINC, "concept": [{"code": "8480-6"}]}]},
    ),
]

FINDS = [
    ("Patient?name=mull", "p1"),
    ("Patient?name=ANNA", "p1"),
    ("Patient?name:contains=ULL", "p1"),
    ("Patient?family:exact=Müller", "p1"),
    ("Patient?family:exact=müller", ""),
    ("Patient?phonetic=Smyth", "p2"),
    ("Patient?birthdate=1980-05", "p1"),
    ("Patient?birthdate=lt1980", "p2"),
    ("Patient?birthdate=ge1980,lt1976", "p1 p2"),
    ("Patient?birthdate=ap1983-05-17", "p1"),
    ("Patient?gender:not=male", "p1"),
    ("Patient?active:missing=true", "p2"),
    ("Patient?identifier=urn:mrn|a-100", "p1"),
    ("Patient?identifier=A-100", "p1"),
    (f"Patient?identifier:of-type={V2_0203}|MR|A-100", "p1"),
    ("Patient?identifier:text=medical", "p1"),
    ("Patient?_id:not=p1", "p2"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|male", "p2"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|", "p1 p2"),
    ("Patient?gender=http://hl7.org/fhir/observation-status|male", ""),
    ("Patient?gender=|male", "p2"),
    ("Patient?active=http://terminology.hl7.org/CodeSystem/special-values|true", "p1"),
    ("Patient?general-practitioner.name=House", "p1"),
    ("Patient?organization:Organization.name=acme", "p1"),
    ("Patient?_has:Observation:patient:code=8480-6", "p1"),
    ("Patient?_has:Encounter:patient:location.name=Ann", "p1"),
    ("Patient?_has:Encounter:patient:location.partof.name=Camp", "p1"),
    (f"Observation?code-value-quantity={LOINC}|8480-6$gt130", "o1"),
    ("Observation?code-value-quantity=8480-6$gt150", ""),
    ("Observation?combo-code-value-quantity=8480-6$lt130", "o2"),
    (f"Observation?component-code-value-quantity={LOINC}|8480-6$80", ""),
    (f"Observation?component-code-value-quantity={LOINC}|8462-4$80", "o2"),
    ("Observation?value-quantity=140", "o1"),
    (f"Observation?value-quantity=gt100|{UCUM}|mm[Hg]", "o1"),
    ("Observation?value-quantity=5.40||mg", "o3"),
    ("Observation?value-quantity=5||mg", "o3"),
    (f"Observation?value-quantity=0.0054|{UCUM}|g", "o3"),
    ("Observation?date=2024-03-01", "o1"),
    ("Observation?date=gt2024", "o2"),
    ("Observation?subject=Patient/p1", "o1 o2"),
    ("Observation?subject=http://test/fhir/Patient/p1", "o1 o2"),
    ("Observation?subject:Patient=p2", "o3"),
    ("Observation?subject:identifier=urn:mrn|A-100", "o2"),
    ("Observation?patient.birthdate=lt1976", "o3"),
    ("Observation?patient._has:Encounter:patient:status=planned", "o1 o2"),
    ("Observation?code:text=BP", "o1"),
    ("Observation?code:text=weight", "o3"),
    ("Observation?code:in=http://acme.org/fhir/ValueSet/pressures", "o1"),
    ("Observation?code:in=ValueSet/pressures", "o1"),
    ("Observation?code:not-in=ValueSet/pressures", "o2 o3"),
    ("Observation?status:in=http://hl7.org/fhir/ValueSet/observation-status", "o1 o2 o3"),
    ("ValueSet?url:below=http://acme.org/fhir", "pressures"),
    ("ValueSet?url:below=http://acme.org/fhi", ""),
    ("ValueSet?url:above=http://acme.org/fhir/ValueSet/pressures/x", "pressures"),
    ("ValueSet?url:contains=acme", "pressures"),
    ("Location?near=42.26|-83.70|11|km", "clinic"),
    ("Location?near=42.26|-83.70|500|m", ""),
    ("Encounter?location:below=Location/campus", "visit"),
    ("Location?partof:below=campus", "clinic"),
    ("Patient?_list=list", "p2"),
    ("Patient?_text=zebra", "p2"),
    ("Patient?_text=anna", ""),
    ("Patient?_content=anna", "p1"),
    ("Patient?_content=anna OR zebra", "p1 p2"),
    ('Patient?_filter=name co "ull" or birthdate lt 1976', "p1 p2"),
    ("Patient?_filter=not (gender eq male) and active eq true", "p1"),
    ('Observation?_filter=patient.family eq "smith"', "o3"),
    ("Observation?_filter=patient[gender eq male].birthdate lt 1976", "o3"),
    ("Observation?_filter=patient[gender eq male].birthdate gt 1976", ""),
    (
        "Observation?_filter=patient[active eq true and not (gender eq male)]"
        ".general-practitioner.family eq house and status eq final",
        "o1",
    ),
    ("RiskAssessment?probability=gt0.5", "risk"),
    ("RiskAssessment?probability=lt0.5", ""),
    ("?_type=Patient,Observation&_id=p1,o1", "p1 o1"),
    ("?_id=p1", "p1"),
    ("Patient/p1/Observation?status=final", "o1"),
    ("Patient/p1/*?_type=Encounter", "visit"),
    ("Patient/p2/*", "p2 o3"),
]

ORDERS = [
    ("Patient?_sort=family", "p1 p2"),
    ("Patient?_sort=-family", "p2 p1"),
    ("Patient?_sort=-birthdate", "p1 p2"),
    ("Observation?_sort=value-quantity", "o3 o1 o2"),
    ("Observation?_sort=-value-quantity,_id", "o1 o3 o2"),
    ("Observation?_sort=status,-date", "o1 o3 o2"),
    ("Observation?_sort=-_id", "o3 o2 o1"),
]

INCLUDES = [
    ("Observation?_include=Observation:subject&_id=o1", "p1"),
    ("Observation?_include=Observation:subject:Group&_id=o1", ""),
    (
        "Observation?_include=Observation:subject&_include:iterate=Patient:organization&_id=o1",
        "p1 org",
    ),
    ("Observation?_include=*&_id=o1", "p1"),
    ("Patient?_revinclude=Observation:subject&_id=p1", "o1 o2"),
    ("Patient?_revinclude=Observation:*&_id=p1", "o1 o2"),
    ("Patient?_revinclude=*&_id=p1", "o1 o2 visit risk"),
    ("Patient?_include=Patient:general-practitioner&_id=p2", ""),
]


def address(query: str) -> str:
    return ("/fhir" if query.startswith("?") else "/fhir/") + quote(query, safe="?&=/:,*$")


def ids(body: dict[str, Any], mode: str = "match") -> list[str]:
    entries = [entry for entry in body.get("entry", []) if entry["search"]["mode"] == mode]
    return [entry["resource"]["id"] for entry in entries]


@pytest.fixture
async def ward(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    for one in WARD:
        answer = await fhir.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code == 201, answer.text
    return fhir


async def failures(
    ward: httpx2.AsyncClient, rows: list[tuple[str, str]], *, mode: str, ordered: bool
) -> list[str]:
    failed = []
    for query, wanted in rows:
        answer = await ward.get(address(query))
        found = ids(answer.json(), mode) if answer.status_code == 200 else [answer.text]
        same = found == wanted.split() if ordered else sorted(found) == sorted(wanted.split())
        if not same:
            failed.append(f"{query}: {found}, not {wanted}")
    return failed


async def test_finds(ward: httpx2.AsyncClient) -> None:
    assert await failures(ward, FINDS, mode="match", ordered=False) == []


async def test_orders(ward: httpx2.AsyncClient) -> None:
    assert await failures(ward, ORDERS, mode="match", ordered=True) == []


async def test_includes(ward: httpx2.AsyncClient) -> None:
    assert await failures(ward, INCLUDES, mode="include", ordered=False) == []


async def test_pages_go_both_ways_under_any_order(ward: httpx2.AsyncClient) -> None:
    bodies = [(await ward.get("/fhir/Observation?_count=1&_sort=-value-quantity")).json()]
    while link := relation(bodies[-1], "next"):
        bodies.append((await ward.get(link)).json())
    assert [ids(body) for body in bodies] == [["o1"], ["o3"], ["o2"]]
    back = (await ward.get(relation(bodies[-1], "previous") or "")).json()
    assert ids(back) == ["o3"]
    back = (await ward.get(relation(back, "previous") or "")).json()
    assert ids(back) == ["o1"]
    assert relation(back, "previous") is None


async def test_what_is_written_between_pages_moves_nothing(ward: httpx2.AsyncClient) -> None:
    first = (await ward.get("/fhir/Patient?_count=1&_sort=family")).json()
    early = resource("Patient", "p0", name=[{"family": "Abel"}])
    await ward.put("/fhir/Patient/p0", json=early)
    second = (await ward.get(relation(first, "next") or "")).json()
    assert ids(first) + ids(second) == ["p1", "p2"]


async def test_explaining_names_the_index_and_what_is_left(ward: httpx2.AsyncClient) -> None:
    body = (await ward.get("/fhir/Observation?status=final&_explain=true")).json()
    (outcome,) = [one for one in body["entry"] if one["search"]["mode"] == "outcome"]
    texts = [issue["diagnostics"] for issue in outcome["resource"]["issue"]]
    assert "index keys, 2 resources left" in texts[0]
    assert all("_explain" not in link["url"] for link in body["link"])


async def test_explaining_shortens_long_lists(ward: httpx2.AsyncClient) -> None:
    codes = ",".join(f"c{number}" for number in range(30))
    body = (await ward.get(f"/fhir/Observation?code={codes}&_explain=true")).json()
    (outcome,) = [one for one in body["entry"] if one["search"]["mode"] == "outcome"]
    assert '"code==c1"' in outcome["resource"]["issue"][0]["diagnostics"]
    assert "and 55 more" in outcome["resource"]["issue"][0]["diagnostics"]


@pytest.mark.parametrize("limit", ["chain_limit", "include_limit"])
async def test_what_would_be_cut_short_is_refused(ward: httpx2.AsyncClient, limit: str) -> None:
    state = ward._transport.app.state.fhir  # type: ignore[attr-defined]
    settings = state.server.settings.model_copy(update={limit: 1})
    object.__setattr__(state.server, "settings", settings)
    query = {
        "chain_limit": "Observation?patient.gender=male,female",
        "include_limit": "Patient?_revinclude=Observation:subject",
    }[limit]
    answer = await ward.get(f"/fhir/{query}")
    assert answer.status_code == 409
    assert answer.json()["issue"][0]["code"] == "too-costly"


async def test_binaries_of_too_many_resources_are_refused(ward: httpx2.AsyncClient) -> None:
    state = ward._transport.app.state.fhir  # type: ignore[attr-defined]
    for one in ("b1", "b2"):
        patient = {"resourceType": "Patient", "id": one}
        assert (await ward.put(f"/fhir/Patient/{one}", json=patient)).status_code == 201
        guard = {"securityContext": {"reference": f"Patient/{one}"}}
        binary = {"resourceType": "Binary", "id": one, "contentType": "text/plain", **guard}
        assert (await ward.put(f"/fhir/Binary/{one}", json=binary)).status_code == 201
    settings = state.server.settings.model_copy(update={"chain_limit": 1})
    object.__setattr__(state.server, "settings", settings)
    assert (await ward.get("/fhir/Binary")).json()["issue"][0]["code"] == "too-costly"
    assert (await ward.get("/fhir/Binary?_id=b2&_total=accurate")).json()["total"] == 1


def relation(body: dict[str, Any], name: str) -> str | None:
    links = {link["relation"]: link["url"] for link in body["link"]}
    found: str | None = links.get(name)
    return found
