"""What resources are found by, and a search against a naive reading of the same keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import parameters_of
from fhir_server.search.extraction import Indexer
from fhir_server.search.registry import Registry
from fhir_server.search.text import fold

NOW = datetime(2026, 1, 1, tzinfo=UTC)

# An example of the specification whose expression is on DocumentReference, not Patient.
NOT_OFFERED = {("Patient", "part-agree")}


def keys(resource: dict[str, Any]) -> set[str]:
    return set(Indexer().index({"id": "x", **resource}, NOW).keys)


def test_every_parameter_of_every_type_is_offered() -> None:
    registry = Registry()
    missing = {
        (type, code)
        for type in resource_types()
        for code in parameters_of(type)
        if code not in registry.offered(type)
    }
    assert missing == NOT_OFFERED


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {"resourceType": "Patient", "identifier": [{"system": "s", "value": "v"}]},
            {"identifier=s|~v", "identifier==~v", "identifier=s|", "?identifier"},
        ),
        ({"resourceType": "Patient", "gender": "male"}, {"gender==male", "gender=|male"}),
        ({"resourceType": "Patient", "active": False}, {"active==false"}),
        (
            {"resourceType": "Patient", "name": [{"family": "Ångström  B"}]},
            {"family~angstrom b", "family!Ångström  B", "name~angstrom b"},
        ),
        (
            {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "1"}]},
            {"phone==~1", "telecom==~1"},
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
            {"resourceType": "Observation", "code": {"coding": [{"system": "s", "code": "A"}]}},
            {"code=s|~a", "code==~a"},
        ),
        (
            {
                "resourceType": "Observation",
                "code": {"coding": [{"system": "http://unitsofmeasure.org", "code": "Cel"}]},
            },
            {"code=http://unitsofmeasure.org|Cel", "code==Cel"},
        ),
        (
            {
                "resourceType": "Patient",
                "identifier": [
                    {"type": {"coding": [{"system": "t", "code": "MR"}]}, "value": "V1"}
                ],
            },
            {"identifier^t|MR|v1"},
        ),
        (
            {"resourceType": "Observation", "subject": {"identifier": {"value": "V1"}}},
            {"subject@=~v1", "subject@|~v1"},
        ),
        (
            {
                "resourceType": "Bundle",
                "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}],
            },
            {"composition=Composition/c"},
        ),
        (
            {"resourceType": "Condition", "meta": {"tag": [{"system": "t", "code": "c"}]}},
            {"_tag=t|~c"},
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
        {"resourceType": "Observation", "subject": {"display": "someone"}},
    ],
)
def test_what_has_no_value_has_no_key(resource: dict[str, Any]) -> None:
    assert keys(resource) <= {"deceased==false", "deceased=|false", "?deceased"}


def test_what_is_contained_is_indexed_with_its_container() -> None:
    inner = {"resourceType": "Patient", "id": "p", "name": [{"family": "Within"}]}
    unused = {"resourceType": "Patient", "id": "q"}
    observation = {
        "resourceType": "Observation",
        "id": "x",
        "contained": [inner, unused],
        "subject": {"reference": "#p"},
    }
    made = Indexer().index(observation, NOW)
    assert {"subject=#Patient", "patient=#Patient", "?subject"} <= set(made.keys)
    (inside,) = made.inside
    assert inside["type"] == "Patient"
    assert set(inside["p"]) == {"subject", "patient"}
    assert "family~within" in inside["k"]
    assert "type" not in observation["subject"]


def test_a_local_reference_to_nothing_is_not_missing() -> None:
    assert keys({"resourceType": "Observation", "subject": {"reference": "#p"}}) == {
        "?subject",
        "subject=#",
    }


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


def ranges(resource: dict[str, Any], code: str) -> set[tuple[str, float, float]]:
    made = Indexer().index({"id": "x", **resource}, NOW).ranges
    return {(one["p"], one["lo"], one["hi"]) for one in made if one["p"].startswith(code)}


def test_quantities_stand_under_every_form_of_their_unit() -> None:
    quantity = {"value": 5.4, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    made = ranges({"resourceType": "Observation", "valueQuantity": quantity}, "value-quantity")
    assert made == {
        ("value-quantity", 5.4, 5.4),
        ("value-quantity|http://unitsofmeasure.org|mg", 5.4, 5.4),
        ("value-quantity||mg", 5.4, 5.4),
        ("value-quantity|=g", 0.0054, 0.0054),
    }


@pytest.mark.parametrize(
    ("comparator", "low", "high"),
    [("<", float("-inf"), 5.0), (">=", 5.0, float("inf"))],
)
def test_a_comparator_opens_one_end(comparator: str, low: float, high: float) -> None:
    value = {"value": 5, "comparator": comparator}
    made = ranges({"resourceType": "Observation", "valueQuantity": value}, "value-quantity")
    assert made == {("value-quantity", low, high)}


def test_a_component_counts_for_each_composite_it_is_part_of() -> None:
    component = {
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "valueQuantity": {"value": 120},
    }
    made = Indexer().index(
        {"resourceType": "Observation", "id": "x", "component": [component]}, NOW
    )
    (element,) = made.composites
    assert element["p"] == ["combo-code-value-quantity", "component-code-value-quantity"]
    assert "0==~8480-6" in element["k"]
    assert element["r"] == [{"p": "1", "lo": 120.0, "hi": 120.0}]


def test_a_composite_with_half_its_components_is_none() -> None:
    made = Indexer().index({"resourceType": "Observation", "id": "x", "code": {"text": "a"}}, NOW)
    assert made.composites == ()


def test_words_are_those_of_the_narrative_and_of_all_text() -> None:
    patient = {
        "resourceType": "Patient",
        "id": "x",
        "text": {"div": "<div>Zebra&nbsp;<b>stripes</b></div>"},
        "name": [{"family": "Müller-Lüd"}],
    }
    made = set(Indexer().index(patient, NOW).words)
    assert made == {"t:zebra", "zebra", "t:stripes", "stripes", "muller", "lud"}


def test_sorting_goes_by_the_least_value_and_downwards_by_the_greatest() -> None:
    patient = {"resourceType": "Patient", "id": "x", "name": [{"family": "B"}, {"family": "a"}]}
    made = Indexer().index(patient, NOW)
    assert made.sort is not None
    assert made.sort["family"] == "a"
    assert made.sort_last is not None
    assert made.sort_last["family"] == "b"


def test_every_character_folds_once_and_for_all() -> None:
    for point in range(0x110000):
        assert fold(fold(chr(point))) == fold(chr(point)), hex(point)


@given(st.text(max_size=40))
def test_folding_is_stable_and_blind_to_case(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.upper().lower()) == fold(text.lower())


def test_addresses_and_times_are_no_words() -> None:
    observation = {
        "resourceType": "Observation",
        "id": "x",
        "meta": {"source": "urn:aimed:hl7v2:message:m1"},
        "effectiveDateTime": "2026-01-31T09:00:00+01:00",
        "code": {"text": "Body weight"},
        "note": [{"text": "2026-01-31T09:00 measured"}, {"text": "https://x.example says so"}],
    }
    made = Indexer().index(observation, NOW)
    notes = ("2026", "01", "31t09", "00", "measured", "https", "x", "example", "says", "so")
    assert made.words == ("body", "weight", *notes)
    assert "_source=urn:aimed:hl7v2:message:m1" in made.keys


def test_one_value_under_several_parameters() -> None:
    observation = {
        "resourceType": "Observation",
        "id": "x",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "valueQuantity": {"value": 5, "system": "http://unitsofmeasure.org", "code": "g/dL"},
    }
    made = Indexer().index(observation, NOW)
    assert {"code=http://loinc.org|~718-7", "combo-code=http://loinc.org|~718-7"} <= set(made.keys)
    own = {one["p"]: (one["lo"], one["hi"]) for one in made.ranges}
    assert own["value-quantity|=g.m-3"] == own["combo-value-quantity|=g.m-3"] == (50000, 50000)
    (joint,) = made.composites
    assert joint["p"] == ["code-value-quantity", "combo-code-value-quantity"]
