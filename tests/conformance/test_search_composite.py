"""Parameters of type composite. https://hl7.org/fhir/R4/search.html#combining"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    LOINC,
    SNOMED,
    UCUM,
    Json,
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


def pressure(id: str, systolic: float, diastolic: float) -> Json:
    return observation(
        id,
        code=coded(LOINC, "85354-9"),
        component=[
            {"code": coded(LOINC, "8480-6"), "valueQuantity": ucum(systolic, "mm[Hg]")},
            {"code": coded(LOINC, "8462-4"), "valueQuantity": ucum(diastolic, "mm[Hg]")},
        ],
    )


BLOOD = coded(SNOMED, "112144000")
DATA = [
    observation("k5.9", code=coded(LOINC, "2823-3"), valueQuantity=ucum(5.9, "mmol/L")),
    observation("k4.1", code=coded(LOINC, "2823-3"), valueQuantity=ucum(4.1, "mmol/L")),
    observation("na150", code=coded(LOINC, "2951-2"), valueQuantity=ucum(150, "mmol/L")),
    pressure("high", 180, 110),
    pressure("low", 90, 55),
    pressure("swapped", 70, 100),
    observation("group", code=coded(LOINC, "882-1"), valueCodeableConcept=BLOOD),
    observation("word", code=coded(LOINC, "5778-6"), valueString="Yellow, cloudy"),
    observation("dated", code=coded(LOINC, "11778-8"), valueDateTime="2024-08-01T10:00:00Z"),
    resource(
        "DiagnosticReport",
        "report",
        status="final",
        code={"text": "lab"},
        result=[to("Observation/k5.9")],
    ),
    resource(
        "DiagnosticReport",
        "normal",
        status="final",
        code={"text": "lab"},
        result=[to("Observation/k4.1")],
    ),
    resource(
        "Group",
        "mixed",
        type="person",
        actual=True,
        characteristic=[
            {
                "code": {"coding": [{"code": "gender"}]},
                "valueCodeableConcept": {"coding": [{"code": "mixed"}]},
                "exclude": False,
            },
            {
                "code": {"coding": [{"code": "owner"}]},
                "valueCodeableConcept": {"coding": [{"code": "Eve"}]},
                "exclude": False,
            },
        ],
    ),
    resource(
        "Questionnaire",
        "focused",
        status="draft",
        useContext=[
            {
                "code": {
                    "system": "http://terminology.hl7.org/CodeSystem/usage-context-type",
                    "code": "focus",
                },
                "valueCodeableConcept": coded(SNOMED, "408934002"),
            }
        ],
    ),
    observation(
        "member", code=coded(LOINC, "1-8"), derivedFrom=[to("Observation/k4.1")], valueString="x"
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


K = f"{LOINC}|2823-3"
MMOL = f"{UCUM}|mmol/L"
FINDS = [
    (f"Observation?code-value-quantity={K}$gt5.4|{MMOL}", "k5.9"),
    (f"Observation?code-value-quantity={K}$5.9|{MMOL}", "k5.9"),
    (f"Observation?code-value-quantity={K}$lt5.4|{MMOL}", "k4.1"),
    (f"Observation?code-value-quantity={K}$gt1", "k4.1 k5.9"),
    ("Observation?code-value-quantity=2823-3$gt5.4", "k5.9"),
    (f"Observation?code-value-quantity={K}$gt100", ""),
    (f"Observation?code-value-quantity={K}$gt5000|{UCUM}|umol/L", "k5.9"),
    (f"Observation?code-value-quantity={LOINC}|2951-2$gt5.4|{MMOL}", "na150"),
    (f"Observation?code-value-quantity={K}$gt5.4,{LOINC}|2951-2$150", "k5.9 na150"),
    (f"Observation?code-value-quantity={K}$gt4&code-value-quantity={K}$lt5", "k4.1"),
    (f"Observation?component-code-value-quantity={LOINC}|8480-6$gt150", "high"),
    (f"Observation?component-code-value-quantity={LOINC}|8480-6$lt100", "low swapped"),
    (f"Observation?component-code-value-quantity={LOINC}|8462-4$lt60", "low"),
    # code and value of one component: 110 is the diastolic of "high"
    (f"Observation?component-code-value-quantity={LOINC}|8480-6$110", ""),
    (
        f"Observation?component-code-value-quantity={LOINC}|8480-6$lt100"
        f"&component-code-value-quantity={LOINC}|8462-4$gt90",
        "swapped",
    ),
    (f"Observation?combo-code-value-quantity={LOINC}|8480-6$gt150", "high"),
    (f"Observation?combo-code-value-quantity={K}$gt5", "k5.9"),
    (f"Observation?code-value-concept={LOINC}|882-1${SNOMED}|112144000", "group"),
    ("Observation?code-value-concept=882-1$112144000", "group"),
    (f"Observation?code-value-concept={LOINC}|882-1${SNOMED}|1", ""),
    (f"Observation?combo-code-value-concept={LOINC}|882-1${SNOMED}|112144000", "group"),
    (f"Observation?code-value-string={LOINC}|5778-6$yellow", "word"),
    (f"Observation?code-value-string={LOINC}|5778-6$Yellow\\, cloudy", "word"),
    (f"Observation?code-value-string={LOINC}|5778-6$cloudy", ""),
    (f"Observation?code-value-date={LOINC}|11778-8$2024-08-01", "dated"),
    (f"Observation?code-value-date={LOINC}|11778-8$gt2024", ""),
    (f"Observation?code-value-date={LOINC}|11778-8$ge2024-07", "dated"),
    (f"DiagnosticReport?result.code-value-quantity={K}$gt5.4|{MMOL}", "report"),
    ("Group?characteristic-value=gender$mixed", "mixed"),
    ("Group?characteristic-value=gender$Eve", ""),
    ("Group?characteristic-value=gender$male,owner$Eve", "mixed"),
    ("Group?characteristic-value=gender$mixed&characteristic-value=owner$Eve", "mixed"),
    (f"Questionnaire?context-type-value=focus${SNOMED}|408934002", "focused"),
    (f"Questionnaire?context-type-value=venue${SNOMED}|408934002", ""),
    (
        "Observation?_has:DiagnosticReport:result:status=final&code-value-quantity=2823-3$gt5",
        "k5.9",
    ),
]


@pytest.mark.parametrize(("query", "wanted"), FINDS)
async def test_finds(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, query) == wanted


@pytest.mark.parametrize(
    "query",
    [
        "Observation?code-value-quantity=2823-3",
        "Observation?code-value-quantity=2823-3$",
        "Observation?code-value-quantity=$5",
        "Observation?code-value-quantity=2823-3$abc",
        "Observation?code-value-quantity=2823-3$5$6",
        "Observation?code-value-quantity=",
        "Observation?code-value-quantity:exact=2823-3$5",
        "Observation?code-value-quantity:not=2823-3$5",
        "Observation?code-value-date=11778-8$yesterday",
    ],
)
async def test_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)
