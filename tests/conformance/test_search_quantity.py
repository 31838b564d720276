"""Parameters of type quantity. https://hl7.org/fhir/R4/search.html#quantity"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
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


def measured(id: str, quantity: Json) -> Json:
    return observation(id, valueQuantity=quantity)


VALUES = [
    measured("mg5.4", ucum(5.4, "mg")),
    measured("mg5.40", ucum(5.40, "mg")),
    measured("mg5.44", ucum(5.44, "mg")),
    measured("mg5.5", ucum(5.5, "mg")),
    measured("g0.0054", ucum(0.0054, "g")),
    measured("g1", ucum(1, "g")),
    measured("mg1000", ucum(1000, "mg")),
    measured("kg70", ucum(70, "kg")),
    measured("lb154", ucum(154.3, "[lb_av]")),
    measured("mmHg140", {"value": 140, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}),
    measured("bare5", {"value": 5}),
    measured("pills5", {"value": 5, "unit": "pills"}),
    measured("own5", {"value": 5, "unit": "drops", "system": "urn:units", "code": "dr"}),
    measured("minus", ucum(-3, "Cel")),
    observation("text", valueString="5"),
    observation("nothing"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, VALUES)


MG = f"{UCUM}|mg"
FINDS = [
    # number alone: any unit
    ("5", "bare5 mg5.4 mg5.40 mg5.44 own5 pills5"),
    ("5.0", "bare5 own5 pills5"),
    ("5.4", "mg5.4 mg5.40 mg5.44"),
    ("5.40", "mg5.4 mg5.40"),
    ("5.400", "mg5.4 mg5.40"),
    ("70", "kg70"),
    ("1000", "mg1000"),
    ("-3", "minus"),
    # number and unit, in a system
    (f"5.4|{MG}", "g0.0054 mg5.4 mg5.40 mg5.44"),
    (f"5.40|{MG}", "g0.0054 mg5.4 mg5.40"),
    (f"5.5|{MG}", "mg5.5"),
    (f"1|{UCUM}|g", "g1 mg1000"),
    (f"1000|{MG}", "g1 mg1000"),
    (f"0.07|{UCUM}|t", "kg70 lb154"),
    (f"70000|{UCUM}|g", "kg70"),
    (f"140|{UCUM}|mm[Hg]", "mmHg140"),
    ("5|urn:units|dr", "own5"),
    ("5|urn:units|mg", ""),
    (f"5.4|{UCUM}|ml", ""),
    ("5.4|http://nowhere.org|mg", ""),
    # number and unit whatever the system
    ("5.4||mg", "mg5.4 mg5.40 mg5.44"),
    ("5||pills", "pills5"),
    ("5||dr", "own5"),
    ("5||drops", "own5"),
    ("140||mmHg", "mmHg140"),
    ("140||mm[Hg]", "mmHg140"),
    ("5||nothing", ""),
    # exponents set the precision too: 5.40e0 is 5.40
    ("5.40e0", "mg5.4 mg5.40"),
    (f"5.40e-3|{UCUM}|g", "g0.0054 mg5.4 mg5.40"),
]
ORDERED = [
    (f"gt5.4|{MG}", "g1 kg70 lb154 mg1000 mg5.44 mg5.5"),
    (f"ge5.5|{MG}", "g1 kg70 lb154 mg1000 mg5.5"),
    (f"lt5.5|{MG}", "g0.0054 mg5.4 mg5.40 mg5.44"),
    (f"le5.5|{MG}", "g0.0054 mg5.4 mg5.40 mg5.44 mg5.5"),
    (f"gt0.9|{UCUM}|g", "g1 kg70 lb154 mg1000"),
    (f"sa5.44|{MG}", "g1 kg70 lb154 mg1000 mg5.5"),
    (f"eb5.44|{MG}", "g0.0054 mg5.4 mg5.40"),
    ("gt100", "lb154 mg1000 mmHg140"),
    ("lt0", "minus"),
    ("ge140", "lb154 mg1000 mmHg140"),
    ("eq70", "kg70"),
    (f"eq5.40|{MG}", "g0.0054 mg5.4 mg5.40"),
    (f"lt0|{UCUM}|Cel", "minus"),
]
COMBINED = [
    (f"value-quantity=5.5|{MG},140", "mg5.5 mmHg140"),
    (f"value-quantity=gt5.4|{MG}&value-quantity=lt1|{UCUM}|g", "mg5.44 mg5.5"),
    ("value-quantity=lt0,gt500", "mg1000 minus"),
    ("value-quantity:missing=true", "nothing text"),
    ("value-quantity=5&value-quantity:missing=true", ""),
]


@pytest.mark.parametrize(("value", "wanted"), [*FINDS, *ORDERED])
async def test_finds(fhir: httpx2.AsyncClient, value: str, wanted: str) -> None:
    assert await found(fhir, f"Observation?value-quantity={value}") == wanted


@pytest.mark.parametrize(("query", "wanted"), COMBINED)
async def test_combined(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, f"Observation?{query}") == wanted


async def test_not_equal(fhir: httpx2.AsyncClient) -> None:
    ids = set((await found(fhir, f"Observation?value-quantity=ne5.40|{MG}&_count=50")).split())
    assert {"mg5.44", "mg5.5", "mg1000", "g1"} <= ids
    assert not {"mg5.4", "mg5.40", "g0.0054"} & ids


async def test_approximately(fhir: httpx2.AsyncClient) -> None:
    ids = set((await found(fhir, f"Observation?value-quantity=ap5.4|{MG}&_count=50")).split())
    assert {"mg5.4", "mg5.40", "mg5.44", "mg5.5", "g0.0054"} <= ids
    assert not {"g1", "mg1000", "kg70", "mmHg140"} & ids


async def test_pounds_are_kilograms(fhir: httpx2.AsyncClient) -> None:
    """154.3 [lb_av] is 69.9893 kg."""
    query = f"value-quantity=gt69.9|{UCUM}|kg&value-quantity=lt70|{UCUM}|kg"
    assert await found(fhir, f"Observation?{query}") == "lb154"


@pytest.mark.parametrize("value", ["abc", "5.4|mg", "|mg", "gt", "", "5|a|b|c", "x5||mg"])
async def test_no_quantity_is_refused(fhir: httpx2.AsyncClient, value: str) -> None:
    refused(await fhir.get(address(f"Observation?value-quantity={value}")), 400)


@pytest.mark.parametrize("modifier", ["exact", "contains", "not", "in", "text", "nonsense"])
async def test_other_modifiers_are_refused(fhir: httpx2.AsyncClient, modifier: str) -> None:
    refused(await fhir.get(f"/fhir/Observation?value-quantity:{modifier}=5"), 400)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [  # Range, SampledData, Age, Money: the other types that a quantity parameter is for
        (f"Condition?onset-age=gt40|{UCUM}|a", "old"),
        (f"Condition?onset-age=45|{UCUM}|a", "old"),
        ("Condition?onset-age=lt40", ""),
        (f"Condition?onset-age=540|{UCUM}|mo", "old"),
        ("Invoice?totalgross=100", "bill"),
        ("Invoice?totalgross=gt99.9", "bill"),
        ("Invoice?totalgross=100|urn:iso:std:iso:4217|EUR", "bill"),
        ("Invoice?totalgross=100||EUR", "bill"),
        ("Invoice?totalgross=100||USD", ""),
        ("Encounter?length=gt20", "visit"),
        (f"Encounter?length=0.5|{UCUM}|h", "visit"),
    ],
)
async def test_kin_of_quantity(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    ambulatory = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    await keep(
        fhir,
        [
            resource("Condition", "old", subject=to("Patient/p"), onsetAge=ucum(45, "a")),
            resource(
                "Invoice", "bill", status="issued", totalGross={"value": 100, "currency": "EUR"}
            ),
            resource(
                "Encounter",
                "visit",
                status="finished",
                length=ucum(30, "min"),
                **{"class": ambulatory},
            ),
        ],
    )
    assert await found(fhir, query) == wanted


async def test_comparators_of_the_element(fhir: httpx2.AsyncClient) -> None:
    """`<5` may be anything below five, so it can be found by values below."""
    below = {**ucum(5, "ng/mL"), "comparator": "<"}
    code = coded("http://loinc.org", "2857-1")
    await keep(fhir, [observation("below", code=code, valueQuantity=below)])
    query = "Observation?code=2857-1&value-quantity"
    assert await found(fhir, f"{query}=lt4|{UCUM}|ng/mL") == "below"
    assert await found(fhir, f"{query}=gt6|{UCUM}|ng/mL") == ""
