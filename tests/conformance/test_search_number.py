"""Parameters of type number. https://hl7.org/fhir/R4/search.html#number"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import Json, address, found, keep, refused, resource, to


def charge(id: str, factor: float | None) -> Json:
    given = {} if factor is None else {"factorOverride": factor}
    code = {"text": "visit"}
    return resource(
        "ChargeItem", id, status="billable", code=code, subject=to("Patient/p"), **given
    )


CHARGES = [
    charge("none", None),
    charge("zero", 0),
    charge("half", 0.5),
    charge("nearly", 0.8),
    charge("eighty-three", 0.83),
    charge("one", 1),
    charge("ninety-nine", 99),
    charge("ninety-nine-six", 99.6),
    charge("hundred", 100),
    charge("hundred-four", 100.4),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def charges(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, CHARGES)


# The value means its own precision: 100 is [99.5, 100.5), 100.00 is [99.995, 100.005).
EQUALS = [
    ("0.5", "half"),
    ("0.50", "half"),
    ("0.8", "eighty-three nearly"),
    ("0.80", "nearly"),
    ("0.83", "eighty-three"),
    ("100", "hundred hundred-four ninety-nine-six"),
    ("1e2", "hundred hundred-four ninety-nine ninety-nine-six"),
    ("1.00e2", "hundred hundred-four ninety-nine-six"),
    ("100.0", "hundred"),
    ("100.00", "hundred"),
    ("100.4", "hundred-four"),
    ("99.6", "ninety-nine-six"),
    ("1", "eighty-three half nearly one"),
    ("1.0", "one"),
    ("2", ""),
    ("eq0.50", "half"),
    ("eq100", "hundred hundred-four ninety-nine-six"),
    ("eq100.00", "hundred"),
    ("5e-1", "half"),
    ("+0.50", "half"),
    ("-0.50", ""),
]
# 3.1.1.4.5: with gt, lt, ge, le the precision is not considered; the number has its exact value.
ORDERED = [
    ("gt100", "hundred-four"),
    ("gt99.6", "hundred hundred-four"),
    ("ge100", "hundred hundred-four"),
    ("ge100.0", "hundred hundred-four"),
    ("lt0.5", "zero"),
    ("le0.5", "half zero"),
    ("lt0.8", "half zero"),
    ("le0.8", "half nearly zero"),
    ("sa100", "hundred-four"),
    ("sa99.6", "hundred hundred-four"),
    ("eb0.5", "zero"),
    ("eb0.83", "half nearly zero"),
    ("gt1000", ""),
    ("lt-1", ""),
    ("gt-1", "eighty-three half hundred hundred-four nearly ninety-nine ninety-nine-six one zero"),
]
UNEQUAL = [
    ("ne100.0", "eighty-three half hundred-four nearly ninety-nine ninety-nine-six one zero"),
    ("ne0.5", "eighty-three hundred hundred-four nearly ninety-nine ninety-nine-six one zero"),
]


@pytest.mark.parametrize(("value", "wanted"), [*EQUALS, *ORDERED, *UNEQUAL])
async def test_prefix_and_precision(fhir: httpx2.AsyncClient, value: str, wanted: str) -> None:
    assert await found(fhir, f"ChargeItem?factor-override={value}") == wanted


async def test_approximately_is_at_least_a_tenth(fhir: httpx2.AsyncClient) -> None:
    ids = (await found(fhir, "ChargeItem?factor-override=ap95")).split()
    assert {"ninety-nine", "ninety-nine-six", "hundred", "hundred-four"} <= set(ids)
    assert not {"one", "half"} & set(ids)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("factor-override:missing=true", "none"),
        ("factor-override=0.50,1.0", "half one"),
        ("factor-override=gt100,lt0.5", "hundred-four zero"),
        ("factor-override=gt0.5&factor-override=lt1", "eighty-three nearly"),
        ("factor-override=gt1&factor-override=lt0.5", ""),
        ("factor-override=ge100&_id=hundred", "hundred"),
    ],
)
async def test_combined(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, f"ChargeItem?{query}") == wanted


async def test_missing_false_is_every_other(fhir: httpx2.AsyncClient) -> None:
    ids = (await found(fhir, "ChargeItem?factor-override:missing=false")).split()
    assert "none" not in ids
    assert len(ids) == len(CHARGES) - 1


@pytest.mark.parametrize("value", ["abc", "1,2,x", "gt", "", "1..2", "eqeq1", "0x10", "NaN"])
async def test_no_number_is_refused(fhir: httpx2.AsyncClient, value: str) -> None:
    refused(await fhir.get(address(f"ChargeItem?factor-override={value}")), 400)


@pytest.mark.parametrize(
    "modifier", ["exact", "contains", "not", "in", "above", "text", "nonsense"]
)
async def test_other_modifiers_are_refused(fhir: httpx2.AsyncClient, modifier: str) -> None:
    refused(await fhir.get(f"/fhir/ChargeItem?factor-override:{modifier}=1"), 400)


@pytest.mark.parametrize("value", ["maybe", "1", ""])
async def test_missing_is_true_or_false(fhir: httpx2.AsyncClient, value: str) -> None:
    refused(await fhir.get(f"/fhir/ChargeItem?factor-override:missing={value}"), 400)


async def test_an_integer_element(fhir: httpx2.AsyncClient) -> None:
    variants = [{"start": 100, "end": 101}]
    await keep(
        fhir,
        [resource("MolecularSequence", "dna", coordinateSystem=0, type="dna", variant=variants)],
    )
    assert await found(fhir, "MolecularSequence?variant-start=100") == "dna"
    assert await found(fhir, "MolecularSequence?variant-start=ge101") == ""
    assert await found(fhir, "MolecularSequence?variant-end=gt100") == "dna"


async def test_a_choice_has_one_of_its_types(fhir: httpx2.AsyncClient) -> None:
    """A probability may be a decimal or a Range; the decimal is a number."""
    one = resource(
        "RiskAssessment",
        "risk",
        status="final",
        subject=to("Patient/p"),
        prediction=[{"probabilityDecimal": 0.8}, {"probabilityDecimal": 0.1}],
    )
    await keep(fhir, [one])
    assert await found(fhir, "RiskAssessment?probability=gt0.5") == "risk"
    assert await found(fhir, "RiskAssessment?probability=lt0.5") == "risk"
    assert await found(fhir, "RiskAssessment?probability=gt0.5&probability=lt0.7") == "risk"
    assert await found(fhir, "RiskAssessment?probability=gt0.9") == ""
