"""What resources are found by, and a search against a naive reading of the same keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import parameters_of
from fhir_server.search.extraction import INDEXED, ON_DOCUMENT, Indexer, walkers
from fhir_server.search.text import fold

NOW = datetime(2026, 1, 1, tzinfo=UTC)

NOT_WALKED = {
    ("Bundle", "composition"),
    ("Bundle", "message"),
    ("InsurancePlan", "name"),
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
        and code not in ON_DOCUMENT
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


@given(st.text(max_size=40))
def test_folding_is_stable_and_blind_to_case(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.upper().lower()) == fold(text.lower())
