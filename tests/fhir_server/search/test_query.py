"""Query strings: what is understood, and that nothing else is answered as if it were."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.errors import FhirError, InvalidParameter, NotSupported
from fhir_server.search.criteria import Keys
from fhir_server.search.mongo_filter import to_filter, to_stages
from fhir_server.search.query import parse
from fhir_server.search.registry import Registry
from fhir_server.search.values import prefix_of, split, unescape

TWO = ["subject=Patient/1", "subject=https://here/fhir/Patient/1"]
TWO_PLACES = ("Patient/1", "https://here/fhir/Patient/1")
UCUM = "http://unitsofmeasure.org"
BASE = "https://here/fhir"
OTHERS = ("_sort", "_total", "_filter", "_text", "x.y", "_has:a:b:c")
OBSERVATION = Registry().offered("Observation")


def keys(type: str, name: str, value: str) -> Any:
    condition = to_filter(parse(type, [(name, value)]), BASE)
    assert condition["$and"][0] == {"type": type, "deleted": False}
    return condition["$and"][1]["k"]


@pytest.mark.parametrize(
    ("type", "name", "value", "expected"),
    [
        ("Patient", "gender", "male", "gender==male"),
        ("Patient", "identifier", "s|V", "identifier=s|~v"),
        ("Patient", "identifier", "|v", "identifier=|~v"),
        ("Patient", "identifier", "s|", "identifier=s|"),
        ("Patient", "identifier", r"s\|t|v", "identifier=s|t|~v"),
        ("Patient", "identifier", r"a\,b", "identifier==~a,b"),
        ("Observation", "code", "A", {"$in": ["code==A", "code==~a"]}),
        ("Observation", "code", "http://loinc.org|A", "code=http://loinc.org|~a"),
        ("Observation", "code", "http://unitsofmeasure.org|A", "code=http://unitsofmeasure.org|A"),
        ("Observation", "status", "FINAL", "status==FINAL"),
        ("Patient", "gender", "male,female", {"$in": ["gender==male", "gender==female"]}),
        ("Patient", "gender:not", "male", {"$nin": ["gender==male"]}),
        ("Patient", "gender:missing", "true", {"$ne": "?gender"}),
        ("Patient", "gender:missing", "false", "?gender"),
        ("Patient", "family:exact", "Ée", "family!Ée"),
        ("Observation", "subject", "Patient/1", {"$in": TWO}),
        ("Observation", "subject", f"{BASE}/Patient/1", {"$in": TWO}),
        ("Observation", "subject", "https://there/Patient/1", "subject=https://there/Patient/1"),
        ("Observation", "subject:Patient", "1", {"$in": TWO}),
        ("Observation", "subject:identifier", "s|V", "subject@s|~v"),
        ("Observation", "subject:Patient", "Patient/1", {"$in": TWO}),
        ("AllergyIntolerance", "patient", "1", {"$in": [f"patient={one}" for one in TWO_PLACES]}),
        ("ValueSet", "url", "http://x|1", "url=http://x|1"),
    ],
)
def test_keys(type: str, name: str, value: str, expected: object) -> None:
    assert keys(type, name, value) == expected


def test_an_id_alone_may_be_any_target() -> None:
    wanted = keys("Observation", "subject", "1")["$in"]
    assert {"subject=Patient/1", "subject=Group/1"} <= set(wanted)


@pytest.mark.parametrize(
    ("pairs", "first"),
    [
        ([("status", "final"), ("_id", "1")], {"_id": {"$in": ["Observation/1"]}}),
        (
            [("status", "final"), ("patient", "1")],
            {"type": "Observation", "k": "patient=Patient/1"},
        ),
        (
            [("date", "2020"), ("code", "c")],
            {"type": "Observation", "k": {"$in": ["code==c", "code==~c"]}},
        ),
        (
            [("combo-code-value-quantity", "c$5")],
            {"type": "Observation", "k": {"$in": ["combo-code==c", "combo-code==~c"]}},
        ),
        (
            [("status:not", "final"), ("identifier", "i")],
            {"type": "Observation", "k": "identifier==~i"},
        ),
    ],
)
def test_the_narrowest_clause_leads(pairs: list[tuple[str, str]], first: dict[str, Any]) -> None:
    query = parse("Observation", pairs)
    assert to_stages(query) == [first, to_filter(query)]


@pytest.mark.parametrize(("found", "leads"), [(2, "subject"), (100, "code")])
def test_many_keys_of_a_chain_are_no_narrow_clause(found: int, leads: str) -> None:
    query = parse("Observation", [("code", "s|c")])
    keys = Keys(tuple(f"subject=Patient/{number}" for number in range(found)))
    first = to_stages(replace(query, criteria=(keys, *query.criteria)))[0]
    assert leads in str(first["k"])


@pytest.mark.parametrize("pairs", [[], [("status:not", "final")], [("date", "2020")]])
def test_what_no_key_leads_is_one_stage(pairs: list[tuple[str, str]]) -> None:
    query = parse("Observation", pairs)
    assert to_stages(query) == [to_filter(query)]


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("100", 99.5, 100.5), ("100.00", 99.995, 100.005), ("1e2", 50, 150), ("-1.0", -1.05, -0.95)],
)
def test_a_number_is_as_precise_as_it_is_written(value: str, low: float, high: float) -> None:
    condition = to_filter(parse("RiskAssessment", [("probability", value)]))
    wanted = {"p": "probability", "lo": {"$gte": low}, "hi": {"$lt": high}}
    assert condition["$and"][1] == {"r": {"$elemMatch": wanted}}


def test_ucum_units_are_compared_in_base_units() -> None:
    first = to_filter(parse("Observation", [("value-quantity", f"gt5.4|{UCUM}|mg")]))
    second = to_filter(parse("Observation", [("value-quantity", f"gt0.0054|{UCUM}|g")]))
    assert first == second


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("family eq x or family eq y and gender eq male", "$and"),
        ("family eq x or (family eq y and gender eq male)", "$or"),
    ],
)
def test_a_filter_goes_from_left_to_right(text: str, operator: str) -> None:
    condition = to_filter(parse("Patient", [("_filter", text)]))
    assert list(condition["$and"][1]) == [operator]


def test_strings_are_ranges_of_folded_text() -> None:
    wanted = keys("Patient", "family", "  MÜl")["$elemMatch"]
    assert wanted["$gte"] == "family~mul"
    assert wanted["$gte"] < "family~mul" + "\uffff" < wanted["$lt"] < "family~mum"


@pytest.mark.parametrize(
    ("type", "name", "value", "error"),
    [
        ("Patient", "nonsense", "x", NotSupported),
        ("Patient", "phonetic:exact", "x", NotSupported),
        ("Patient", "organization.nonsense", "x", NotSupported),
        ("Patient", "gender.name", "x", InvalidParameter),
        ("Patient", "_has:Observation:patient", "x", InvalidParameter),
        ("Patient", "_has:Observation:code:code", "x", InvalidParameter),
        ("Patient", "_include", "Patient:gender", InvalidParameter),
        ("Patient", "_include:sometimes", "Patient:organization", NotSupported),
        ("Patient", "_id:above", "x", NotSupported),
        ("Patient", "family:text", "x", NotSupported),
        ("Patient", "_filter", "family xx y", InvalidParameter),
        ("Patient", "_filter", "family eq", InvalidParameter),
        ("Patient", "_filter", "(family eq y", InvalidParameter),
        ("Observation", "value-quantity", "5|mg", InvalidParameter),
        ("Observation", "value-quantity", "5x", InvalidParameter),
        ("Observation", "code-value-quantity", "5", InvalidParameter),
        ("Location", "near", "91|0", InvalidParameter),
        ("Patient", "birthdate", "zz2020", NotSupported),
        ("Patient", "_sort", "nonsense", NotSupported),
        ("Location", "_sort", "near", NotSupported),
        ("Observation", "subject:Medication", "1", NotSupported),
        ("Observation", "subject:Patient", "Group/1", InvalidParameter),
        ("Patient", "birthdate", "2020-13", InvalidParameter),
        ("Patient", "family", "", InvalidParameter),
        ("Patient", "family", "a,", InvalidParameter),
        ("Patient", "family", " ", InvalidParameter),
        ("Patient", "family", "\u0301", InvalidParameter),
        ("Patient", "family", "a" * 500, InvalidParameter),
        ("Patient", "gender:missing", "maybe", InvalidParameter),
        ("Patient", "identifier", "|", InvalidParameter),
        ("Patient", "_total", "perhaps", InvalidParameter),
    ],
)
def test_refused(type: str, name: str, value: str, error: type[FhirError]) -> None:
    with pytest.raises(error):
        to_filter(parse(type, [(name, value)]), BASE)


def test_a_refusal_names_what_is_known() -> None:
    with pytest.raises(NotSupported) as refused:
        parse("Patient", [("surname", "x")])
    assert all(code in str(refused.value) for code in Registry().offered("Patient"))


def test_lenient_names_what_it_leaves_out() -> None:
    query = parse("Patient", [("surname", "x"), ("gender", "male")], lenient=True)
    assert query.ignored == ("surname",)
    assert query.used == (("gender", "male"),)


def test_result_parameters_do_not_contradict_each_other() -> None:
    assert parse("Patient", [("_count", "5"), ("_count", "5")]).count == "5"
    with pytest.raises(InvalidParameter):
        parse("Patient", [("_count", "5"), ("_count", "6")])


@pytest.mark.parametrize(
    ("value", "expected"), [("2020", ("eq", "2020")), ("sa2020-01", ("sa", "2020-01"))]
)
def test_prefixes(value: str, expected: tuple[str, str]) -> None:
    assert prefix_of(value) == expected


@given(st.lists(st.text(alphabet="a,|$\\ é", max_size=6), min_size=1, max_size=4))
def test_escaped_values_come_back(values: list[str]) -> None:
    escaped = [value.translate({ord(one): f"\\{one}" for one in "\\,|$"}) for value in values]
    assert [unescape(part) for part in split(",".join(escaped), ",")] == values


@given(
    st.sampled_from(
        [*sorted(OBSERVATION), "_sort", "_total", "_filter", "_text", "x.y", "_has:a:b:c"]
    ),
    st.sampled_from(["", ":missing", ":not", ":exact", ":Patient", ":", ":x:y", ":contains"]),
    st.text(max_size=20),
)
def test_any_query_is_answered_or_refused(code: str, modifier: str, value: str) -> None:
    with suppress(InvalidParameter, NotSupported):
        assert to_filter(parse("Observation", [(code + modifier, value)]), BASE)
