"""Random resources, random searches: keys and filter together find what reading the resource finds.

The left side is the whole path (index, parse, filter) with the filter evaluated on the stored
document as MongoDB would; the right side reads the resource and the search page of the
specification, and shares no code with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.search.extraction import Indexer
from fhir_server.search.mongo_filter import to_filter, to_stages
from fhir_server.search.query import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Resource = dict[str, Any]


# MongoDB's filters, as far as ours go. https://www.mongodb.com/docs/manual/reference/operator/query/


def matches(document: Any, condition: dict[str, Any]) -> bool:
    return all(_holds(document, name, wanted) for name, wanted in condition.items())


def _holds(document: Any, name: str, wanted: Any) -> bool:
    if name == "$and":
        return all(matches(document, one) for one in wanted)
    if name == "$or":
        return any(matches(document, one) for one in wanted)
    if name == "$nor":
        return not any(matches(document, one) for one in wanted)
    value = document.get(name)
    operators = wanted if isinstance(wanted, dict) else {"$eq": wanted}
    return all(_operator(value, operator, operand) for operator, operand in operators.items())


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda a, b: a == b,
    "$in": lambda a, b: a in b,
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
    "$regex": lambda a, b: re.search(b, a) is not None,
}
OPPOSITE = {"$ne": "$eq", "$nin": "$in"}


def _operator(value: Any, operator: str, operand: Any) -> bool:
    if operator in OPPOSITE:
        return not _operator(value, OPPOSITE[operator], operand)
    if operator == "$elemMatch":
        return any(_element(one, operand) for one in value or ())
    values = value if isinstance(value, list) else [value]
    return any(COMPARE[operator](one, operand) for one in values)


def _element(element: Any, operand: dict[str, Any]) -> bool:
    if isinstance(element, dict):
        return matches(element, operand)
    return all(COMPARE[operator](element, wanted) for operator, wanted in operand.items())


def found(resource: Resource, name: str, value: str) -> bool:
    entry = Indexer().index(resource, NOW)
    document = {
        "_id": f"{resource['resourceType']}/{resource['id']}",
        "type": resource["resourceType"],
        "id": resource["id"],
        "lu": NOW,
        "deleted": False,
        **entry.fields(),
    }
    query = parse(resource["resourceType"], [(name, value)])
    answer = matches(document, to_filter(query, now=NOW))
    # The staged form answers the same, whatever its first stage is.
    assert all(matches(document, stage) for stage in to_stages(query, now=NOW)) == answer
    return answer


# The specification read plainly.


def token_matches(resource: Resource, value: str) -> bool:
    pairs = [(one.get("system"), one.get("value")) for one in resource.get("identifier", [])]
    if "|" not in value:
        return any(code == value for _, code in pairs)
    system, _, code = value.partition("|")
    if not code:
        return any(one == system for one, _ in pairs)
    return any((one or "") == system and other == code for one, other in pairs)


def family_starts(resource: Resource, value: str) -> bool:
    families = [name["family"] for name in resource.get("name", []) if "family" in name]
    return any(plain(family).startswith(plain(value)) for family in families)


def plain(text: str) -> str:
    return text.lower().replace("é", "e").replace("ü", "u")


def days(text: str) -> tuple[date, date]:
    """First day and the day after the last of `2020`, `2020-01` or `2020-01-31`."""
    numbers = [int(part) for part in text.split("-")]
    if len(numbers) == 1:
        return date(numbers[0], 1, 1), date(numbers[0] + 1, 1, 1)
    year, month = numbers[:2]
    if len(numbers) == 2:
        return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
    day = date(year, month, numbers[2])
    return day, day + timedelta(days=1)


def birth_matches(resource: Resource, value: str) -> bool:
    if "birthDate" not in resource:
        return False
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    (low, high), (begin, end) = days(resource["birthDate"]), days(text)
    inside, above, below = begin <= low and high <= end, high > end, low < begin
    return {
        "eq": inside,
        "ne": not inside,
        "gt": above,
        "lt": below,
        "ge": above or inside,
        "le": below or inside,
        "sa": low >= end,
        "eb": high <= begin,
    }[prefix]


SYSTEMS = st.sampled_from(["urn:a", "urn:b"])
CODES = st.sampled_from(["1", "2", "12"])
NAMES = st.text(alphabet="aAéÉbü", min_size=1, max_size=4)
DATES = st.sampled_from(
    ["1999", "2000", "1999-12", "2000-01", "2000-02", "1999-12-31", "2000-01-01", "2000-02-29"]
)
PATIENTS = st.fixed_dictionaries(
    {"resourceType": st.just("Patient"), "id": st.just("x")},
    optional={
        "identifier": st.lists(
            st.fixed_dictionaries({}, optional={"system": SYSTEMS, "value": CODES}), max_size=3
        ),
        "name": st.lists(st.fixed_dictionaries({}, optional={"family": NAMES}), max_size=2),
        "birthDate": DATES,
    },
)
TOKENS = st.one_of(
    CODES,
    CODES.map("|{}".format),
    SYSTEMS.map("{}|".format),
    st.tuples(SYSTEMS, CODES).map("|".join),
)
PREFIXED = st.tuples(st.sampled_from(["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]), DATES)
MISSING: dict[str, Callable[[Resource], bool]] = {
    "identifier": lambda one: not any(one.get("identifier", [])),
    "family": lambda one: not any("family" in name for name in one.get("name", [])),
    "birthdate": lambda one: "birthDate" not in one,
}


@given(PATIENTS, st.lists(TOKENS, min_size=1, max_size=3))
def test_tokens(patient: Resource, values: list[str]) -> None:
    wanted = any(token_matches(patient, value) for value in values)
    assert found(patient, "identifier", ",".join(values)) == wanted
    assert found(patient, "identifier:not", ",".join(values)) != wanted


@given(PATIENTS, st.lists(NAMES, min_size=1, max_size=2))
def test_strings(patient: Resource, values: list[str]) -> None:
    wanted = any(family_starts(patient, value) for value in values)
    assert found(patient, "family", ",".join(values)) == wanted
    families = [name["family"] for name in patient.get("name", []) if "family" in name]
    assert found(patient, "family:exact", ",".join(values)) == any(f in values for f in families)
    inside = any(plain(value) in plain(family) for value in values for family in families)
    assert found(patient, "family:contains", ",".join(values)) == inside


@settings(max_examples=400)
@given(PATIENTS, st.lists(PREFIXED.map("".join), min_size=1, max_size=2))
def test_dates(patient: Resource, values: list[str]) -> None:
    wanted = any(birth_matches(patient, value) for value in values)
    assert found(patient, "birthdate", ",".join(values)) == wanted


@given(PATIENTS, st.sampled_from(sorted(MISSING)))
def test_missing(patient: Resource, code: str) -> None:
    wanted = MISSING[code](patient)
    assert found(patient, f"{code}:missing", "true") == wanted
    assert found(patient, f"{code}:missing", "false") != wanted


@given(
    st.sampled_from(["Patient/1", "Patient/2", "Group/1", "https://there/Patient/1", "#1"]),
    st.sampled_from(
        [
            ("subject", "Patient/1", {"Patient/1"}),
            ("subject", "1", {"Patient/1", "Group/1"}),
            ("subject:Patient", "1", {"Patient/1"}),
            ("patient", "1", {"Patient/1"}),
            ("patient", "Group/1", set()),
            ("subject", "https://there/Patient/1", {"https://there/Patient/1"}),
        ]
    ),
)
def test_references(reference: str, case: tuple[str, str, set[str]]) -> None:
    name, value, wanted = case
    observation = {"resourceType": "Observation", "id": "x", "subject": {"reference": reference}}
    assert found(observation, name, value) == (reference in wanted)


NUMBERS = st.sampled_from(["0", "1", "1.0", "1.04", "1.05", "10", "9.96", "100", "99.5", "-1"])
UNITS = st.sampled_from(["mg", "g", "kg", "mm[Hg]"])
UCUM = "http://unitsofmeasure.org"
GRAMS = {"mg": Decimal("0.001"), "g": Decimal(1), "kg": Decimal(1000)}
COMPARED = st.sampled_from(["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])


def amount_matches(value: Decimal, prefix: str, text: str, factor: Decimal = Decimal(1)) -> bool:
    mantissa, _, exponent = text.partition("e")
    step = Decimal(1).scaleb(int(exponent or 0) - len(mantissa.partition(".")[2]))
    low, high = (Decimal(text) - step / 2) * factor, (Decimal(text) + step / 2) * factor
    point, same = Decimal(text) * factor, low <= value < high
    return {
        "": same,
        "eq": same,
        "ne": not same,
        "gt": value > point,
        "lt": value < point,
        "ge": value >= point,
        "le": value <= point,
        "sa": value > point,
        "eb": value < point,
    }[prefix]


def observation(number: str, unit: str, code: str = "1") -> Resource:
    quantity = {"value": Decimal(number), "unit": unit, "system": UCUM, "code": unit}
    coding = {"system": "urn:a", "code": code}
    own = {"code": {"coding": [coding]}, "valueQuantity": quantity}
    return {"resourceType": "Observation", "id": "x", **own}


@settings(max_examples=400)
@given(NUMBERS, COMPARED, NUMBERS)
def test_numbers(stored: str, prefix: str, asked: str) -> None:
    risk = {
        "resourceType": "RiskAssessment",
        "id": "x",
        "prediction": [{"probabilityDecimal": Decimal(stored)}],
    }
    wanted = amount_matches(Decimal(stored), prefix, asked)
    assert found(risk, "probability", prefix + asked) == wanted
    plain_number = observation(stored, "mg")
    assert found(plain_number, "value-quantity", prefix + asked) == wanted


@settings(max_examples=400)
@given(NUMBERS, UNITS, COMPARED, NUMBERS, UNITS)
def test_quantities(stored: str, unit: str, prefix: str, asked: str, other: str) -> None:
    wanted = unit == other and amount_matches(Decimal(stored), prefix, asked)
    resource = observation(stored, unit)
    assert found(resource, "value-quantity", f"{prefix}{asked}||{other}") == wanted
    if unit in GRAMS and other in GRAMS:
        wanted = amount_matches(Decimal(stored) * GRAMS[unit], prefix, asked, GRAMS[other])
    assert found(resource, "value-quantity", f"{prefix}{asked}|{UCUM}|{other}") == wanted


@given(NUMBERS, CODES, COMPARED, NUMBERS, CODES)
def test_composites(stored: str, code: str, prefix: str, asked: str, other: str) -> None:
    resource = observation(stored, "mg", code)
    wanted = code == other and amount_matches(Decimal(stored), prefix, asked)
    for value in (f"{other}${prefix}{asked}", f"urn:a|{other}${prefix}{asked}||mg"):
        assert found(resource, "code-value-quantity", value) == wanted
        assert found(resource, "combo-code-value-quantity", value) == wanted
        assert not found(resource, "component-code-value-quantity", value)
