"""What resources are found by, and a search against a naive reading of the same keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import parameters_of
from fhir_server.search.extraction import INDEXED, NOT_INDEXED, ON_DOCUMENT, Indexer, walkers
from fhir_server.search.text import fold

NOW = datetime(2026, 1, 1, tzinfo=UTC)

NOT_WALKED = {
    ("Bundle", "composition"),
    ("Bundle", "message"),
    ("Patient", "part-agree"),
    ("QuestionnaireResponse", "item-subject"),
}


def keys(resource: dict[str, Any]) -> set[str]:
    return set(Indexer().index({"id": "x", **resource}, NOW).keys)


def test_every_other_parameter_of_an_indexed_type_is_walked() -> None:
    missing = {
        (type, code)
        for type in resource_types()
        for code, parameter in parameters_of(type).items()
        if parameter.type in INDEXED
        and code not in ON_DOCUMENT | NOT_INDEXED
        and code not in {found for found, _, _ in walkers(type)}
    }
    assert missing == NOT_WALKED


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {"resourceType": "Patient", "identifier": [{"system": "s", "value": "v"}]},
            {"identifier=s|v", "identifier==v", "identifier=s|", "?identifier"},
        ),
        ({"resourceType": "Patient", "gender": "male"}, {"gender==male", "gender=|male"}),
        ({"resourceType": "Patient", "active": False}, {"active==false"}),
        (
            {"resourceType": "Patient", "name": [{"family": "Ångström  B"}]},
            {"family~angstrom b", "family!Ångström  B", "name~angstrom b"},
        ),
        (
            {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "1"}]},
            {"phone==1", "telecom==1"},
        ),
        (
            {"resourceType": "Observation", "subject": {"reference": "Patient/1"}},
            {"subject=Patient/1", "patient=Patient/1"},
        ),
        (
            {"resourceType": "Observation", "valueCodeableConcept": {"coding": [{"code": "c"}]}},
            {"value-concept==c", "combo-value-concept==c"},
        ),
        (
            {"resourceType": "Condition", "meta": {"tag": [{"system": "t", "code": "c"}]}},
            {"_tag=t|c"},
        ),
        (
            {"resourceType": "Patient", "meta": {"profile": ["http://p|2"], "source": "urn:s"}},
            {"_profile=http://p", "_profile=http://p|2", "_source=urn:s"},
        ),
        (
            {"resourceType": "Provenance", "target": [{"reference": "Patient/1/_history/2"}]},
            {"target=Patient/1", "target=Patient/1/_history/2", "patient=Patient/1"},
        ),
        (
            {"resourceType": "InsurancePlan", "name": "A", "alias": ["B"]},
            {"name~a", "name~b"},
        ),
        (
            {"resourceType": "Patient", "name": [{"family": "x" * 5000}]},
            {"?family"},
        ),
    ],
)
def test_keys(resource: dict[str, Any], expected: set[str]) -> None:
    assert expected <= keys(resource)


def test_a_group_subject_is_no_patient() -> None:
    made = keys({"resourceType": "Observation", "subject": {"reference": "Group/1"}})
    assert "subject=Group/1" in made
    assert not any(key.startswith("patient") for key in made)


def test_the_patient_compartment() -> None:
    index = Indexer().index
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "subject": {"reference": "Patient/p"},
    }
    assert index(observation, NOW).patient == "Patient/p"
    assert index({"resourceType": "Patient", "id": "p"}, NOW).patient == "Patient/p"
    assert index({"resourceType": "Organization", "id": "x"}, NOW).patient is None


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "_birthDate": {"extension": [{"url": "u"}]}},
        {"resourceType": "Patient", "name": [{"_family": {"extension": [{"url": "u"}]}}]},
        {"resourceType": "Observation", "subject": {"reference": "#p"}},
        {"resourceType": "Observation", "subject": {"display": "someone"}},
        {"resourceType": "Observation", "code": {"text": "no coding"}},
    ],
)
def test_what_has_no_value_has_no_key(resource: dict[str, Any]) -> None:
    assert keys(resource) <= {"deceased==false", "deceased=|false", "?deceased"}


def test_keys_are_bounded() -> None:
    assert all(
        len(one) < 500 for one in keys({"resourceType": "Patient", "name": [{"text": "x" * 9999}]})
    )


def test_dates_are_ranges_of_utc() -> None:
    observation = {"resourceType": "Observation", "id": "x", "effectiveDateTime": "2026-03"}
    made = Indexer().index(observation, NOW)
    assert [one for one in made.ranges if one["p"] == "date"] == [
        {
            "p": "date",
            "lo": datetime(2026, 3, 1, tzinfo=UTC),
            "hi": datetime(2026, 4, 1, tzinfo=UTC),
        }
    ]
    assert "?date" in made.keys


def test_every_character_folds_once_and_for_all() -> None:
    for point in range(0x110000):
        assert fold(fold(chr(point))) == fold(chr(point)), hex(point)


@given(st.text(max_size=40))
def test_folding_is_stable_and_blind_to_case(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.upper().lower()) == fold(text.lower())
