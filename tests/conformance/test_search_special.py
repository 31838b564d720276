"""Parameters of type special: near and _filter. https://hl7.org/fhir/R4/search_filter.html"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    LOINC,
    SNOMED,
    UCUM,
    address,
    coded,
    found,
    keep,
    observation,
    refused,
    resource,
    to,
    ucum,
)

DATA = [
    resource(
        "Location", "ann-arbor", name="Clinic", position={"longitude": -83.69, "latitude": 42.25}
    ),
    resource(
        "Location", "detroit", name="Hospital", position={"longitude": -83.05, "latitude": 42.33}
    ),
    resource("Location", "east", name="East", position={"longitude": 179.9, "latitude": 0}),
    resource("Location", "west", name="West", position={"longitude": -179.9, "latitude": 0}),
    resource("Location", "nowhere", name="Nowhere"),
    resource(
        "Patient",
        "peter",
        active=True,
        gender="male",
        birthDate="1980-05-17",
        name=[{"family": "Chalmers", "given": ["Peter", "James"]}],
    ),
    resource(
        "Patient",
        "petra",
        gender="female",
        birthDate="2014-10-01",
        name=[{"family": 'Mc Quote"d', "given": ["Petra"]}],
    ),
    resource("Patient", "blank"),
    observation(
        "sodium",
        code=coded(LOINC, "1234-5"),
        subject=to("Patient/peter"),
        valueQuantity=ucum(160, "mmol/L"),
        effectiveDateTime="2024-01-15",
    ),
    observation(
        "other",
        code=coded(SNOMED, "1234-5"),
        subject=to("Patient/petra"),
        valueQuantity=ucum(100, "mmol/L"),
        effectiveDateTime="2023-06",
    ),
    resource("ValueSet", "codes", status="draft", url="http://acme.org/vs/codes"),
    resource(
        "RiskAssessment",
        "risk",
        status="final",
        subject=to("Patient/peter"),
        prediction=[{"probabilityDecimal": 0.8}],
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


NEAR = [
    ("42.25|-83.69|1|km", "ann-arbor"),
    ("42.26|-83.70|11|km", "ann-arbor"),
    ("42.25|-83.69|100|km", "ann-arbor detroit"),
    ("42.25|-83.69|40|km", "ann-arbor"),
    ("42.25|-83.69|40|[mi_us]", "ann-arbor detroit"),
    ("42.25|-83.69|500|m", "ann-arbor"),
    ("42.25|-83.69|100000|m", "ann-arbor detroit"),
    ("0|180|50|km", "east west"),
    ("-42.25|83.69|11|km", ""),
    ("42.25|-83.69|1|km,0|180|50|km", "ann-arbor east west"),
]


@pytest.mark.parametrize(("value", "wanted"), NEAR)
async def test_near(fhir: httpx2.AsyncClient, value: str, wanted: str) -> None:
    """[latitude]|[longitude]|[distance]|[units]; https://hl7.org/fhir/R4/location.html#search"""
    assert await found(fhir, f"Location?near={value}") == wanted


async def test_near_and_others(fhir: httpx2.AsyncClient) -> None:
    assert await found(fhir, "Location?near=42.25|-83.69|100|km&name=hosp") == "detroit"


async def test_near_without_a_distance(fhir: httpx2.AsyncClient) -> None:
    """The server has its own idea of near then."""
    ids = (await found(fhir, "Location?near=42.25|-83.69")).split()
    assert "ann-arbor" in ids
    assert not {"east", "nowhere"} & set(ids)


@pytest.mark.parametrize(
    "value", ["", "42.25", "north|south", "91|0|1|km", "0|181|1|km", "42|-83|x|km", "42|-83|-1|km"]
)
async def test_no_place_is_refused(fhir: httpx2.AsyncClient, value: str) -> None:
    refused(await fhir.get(address(f"Location?near={value}")), 400)


FILTERS = [
    ('Patient?_filter=given eq "peter"', "peter"),
    ('Patient?_filter=name co "pet"', "peter petra"),
    ('Patient?_filter=name sw "pet" and gender eq female', "petra"),
    ('Patient?_filter=family ew "mers"', "peter"),
    ('Patient?_filter=given ne "peter"', "blank petra"),
    ('Patient?_filter=given eq "peter" and birthdate ge 2014-10-10', ""),
    ('Patient?_filter=given eq "peter" or birthdate ge 2014-10-01', "peter petra"),
    ("Patient?_filter=birthdate eq 1980-05-17", "peter"),
    ("Patient?_filter=birthdate eq 1980", "peter"),
    ("Patient?_filter=birthdate lt 2000", "peter"),
    ("Patient?_filter=birthdate gt 2000", "petra"),
    ("Patient?_filter=birthdate le 1980-05-17", "peter"),
    ("Patient?_filter=gender eq male", "peter"),
    ("Patient?_filter=gender ne male", "blank petra"),
    ("Patient?_filter=not (gender eq male)", "blank petra"),
    ("Patient?_filter=gender pr true", "peter petra"),
    ("Patient?_filter=gender pr false", "blank"),
    ("Patient?_filter=active eq true", "peter"),
    ("Patient?_filter=(gender eq male or gender eq female) and birthdate lt 2000", "peter"),
    ("Patient?_filter=gender eq male or gender eq female and birthdate lt 2000", "peter"),
    ("Patient?_filter=gender eq male&_id=petra", ""),
    (f"Observation?_filter=code eq {LOINC}|1234-5", "sodium"),
    ("Observation?_filter=code eq 1234-5", "other sodium"),
    (f'Observation?_filter=code eq {LOINC}|1234-5 and subject.name co "peter"', "sodium"),
    ("Observation?_filter=subject re Patient/peter", "sodium"),
    ("Observation?_filter=value-quantity gt 150", "sodium"),
    (f"Observation?_filter=value-quantity gt 150|{UCUM}|mmol/L", "sodium"),
    ("Observation?_filter=value-quantity le 100", "other"),
    ("Observation?_filter=date sa 2023", "sodium"),
    ("Observation?_filter=date eb 2024", "other"),
    ("RiskAssessment?_filter=probability gt 0.5", "risk"),
    ("ValueSet?_filter=url eq http://acme.org/vs/codes", "codes"),
    ("Patient?_filter=_id eq peter", "peter"),
]


@pytest.mark.parametrize(("query", "wanted"), FILTERS)
async def test_filter(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, query) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gender",
        "gender eq",
        "gender like male",
        "(gender eq male",
        "gender eq male)",
        "nonsense eq male",
        'name eq "open',
        "birthdate gt yesterday",
        "gender eq male and",
    ],
)
async def test_a_bad_filter_is_refused(fhir: httpx2.AsyncClient, text: str) -> None:
    refused(await fhir.get(address(f"Patient?_filter={text}")), 400)
