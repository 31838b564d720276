"""Query strings: what is understood, and that nothing else is answered as if it were."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.errors import FhirError, InvalidParameter, NotSupported
from fhir_server.search.mongo_filter import to_filter, to_stages
from fhir_server.search.query import parse, prefix_of, split, unescape
from fhir_server.search.registry import offered

BASE = "https://here/fhir"


def keys(type: str, name: str, value: str) -> Any:
    condition = to_filter(parse(type, [(name, value)]), BASE)
    assert condition["$and"][0] == {"type": type, "deleted": False}
    return condition["$and"][1]["k"]


@pytest.mark.parametrize(
    ("type", "name", "value", "expected"),
    [
        ("Patient", "gender", "male", "gender==male"),
        ("Patient", "identifier", "s|v", "identifier=s|v"),
        ("Patient", "identifier", "|v", "identifier=|v"),
        ("Patient", "identifier", "s|", "identifier=s|"),
        ("Patient", "identifier", r"s\|t|v", "identifier=s|t|v"),
        ("Patient", "identifier", r"a\,b", "identifier==a,b"),
        ("Patient", "gender", "male,female", {"$in": ["gender==male", "gender==female"]}),
        ("Patient", "gender:not", "male", {"$nin": ["gender==male"]}),
        ("Patient", "gender:missing", "true", {"$ne": "?gender"}),
        ("Patient", "gender:missing", "false", "?gender"),
        ("Patient", "family:exact", "Ée", "family!Ée"),
        ("Observation", "subject", "Patient/1", "subject=Patient/1"),
        ("Observation", "subject", f"{BASE}/Patient/1", "subject=Patient/1"),
        ("Observation", "subject", "https://there/Patient/1", "subject=https://there/Patient/1"),
        ("Observation", "subject:Patient", "1", "subject=Patient/1"),
        ("Observation", "subject:Patient", "Patient/1", "subject=Patient/1"),
        ("AllergyIntolerance", "patient", "1", "patient=Patient/1"),
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
        ([("date", "2020"), ("code", "c")], {"type": "Observation", "k": "code==c"}),
        (
            [("status:not", "final"), ("identifier", "i")],
            {"type": "Observation", "k": "identifier==i"},
        ),
    ],
)
def test_the_narrowest_clause_leads(pairs: list[tuple[str, str]], first: dict[str, Any]) -> None:
    query = parse("Observation", pairs)
    assert to_stages(query) == [first, to_filter(query)]


@pytest.mark.parametrize("pairs", [[], [("status:not", "final")], [("date", "2020")]])
def test_what_no_key_leads_is_one_stage(pairs: list[tuple[str, str]]) -> None:
    query = parse("Observation", pairs)
    assert to_stages(query) == [to_filter(query)]


def test_strings_are_ranges_of_folded_text() -> None:
    wanted = keys("Patient", "family", "  MÜl")["$elemMatch"]
    assert wanted["$gte"] == "family~mul"
    assert wanted["$gte"] < "family~mul" + "\uffff" < wanted["$lt"] < "family~mum"


@pytest.mark.parametrize(
    ("type", "name", "value", "error"),
    [
        ("Patient", "nonsense", "x", NotSupported),
        ("Patient", "phonetic", "x", NotSupported),
        ("Patient", "organization.name", "x", NotSupported),
        ("Patient", "_has:Observation:patient:code", "x", NotSupported),
        ("Patient", "_include", "Patient:organization", NotSupported),
        ("Patient", "gender:above", "x", NotSupported),
        ("Patient", "_id:not", "x", NotSupported),
        ("Patient", "family:contains", "x", NotSupported),
        ("Patient", "birthdate", "zz2020", NotSupported),
        ("Patient", "_sort", "family", NotSupported),
        ("Patient", "_elements", "id", NotSupported),
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
    assert all(code in str(refused.value) for code in offered("Patient"))


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
    st.sampled_from([*sorted(offered("Observation")), "_sort", "_total", "x.y", "_has:a:b:c"]),
    st.sampled_from(["", ":missing", ":not", ":exact", ":Patient", ":", ":x:y"]),
    st.text(max_size=20),
)
def test_any_query_is_answered_or_refused(code: str, modifier: str, value: str) -> None:
    with suppress(InvalidParameter, NotSupported):
        assert to_filter(parse("Observation", [(code + modifier, value)]), BASE)
