"""Expressions of the definitions, walked; what cannot be walked says so."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.search.path import compile_path

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "A", "given": ["B", None, "C"]}, {"family": "D"}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
    "deceasedDateTime": "2020-01-01",
    "generalPractitioner": [
        {"reference": "Practitioner/1"},
        {"reference": "https://other/fhir/Organization/2"},
        {"type": "Practitioner", "identifier": {"value": "3"}},
        {"display": "nobody"},
    ],
    "extension": [{"url": "http://u", "valueCode": "c"}, {"url": "http://v", "valueCode": "d"}],
}


def walk(expression: str, resource: dict[str, Any] = PATIENT) -> list[tuple[str, Any]]:
    walker = compile_path(expression, resource["resourceType"])
    assert walker is not None
    return list(walker(resource["resourceType"], resource))


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("Patient.name.family", ["A", "D"]),
        ("Patient.name.given", ["B", "C"]),
        ("Patient.name.family | Patient.telecom.value", ["A", "D", "1", "2"]),
        ("Patient.name.family | Person.name.family", ["A", "D"]),
        ("Patient.telecom.where(system='phone').value", ["1"]),
        ("(Patient.deceased as dateTime)", ["2020-01-01"]),
        ("Patient.deceased.as(dateTime)", ["2020-01-01"]),
        ("Patient.deceased.as(boolean)", []),
        ("Patient.deceased.exists() and Patient.deceased != false", [True]),
        ("Patient.extension('http://u').value", ["c"]),
        ("DomainResource.extension('http://v').value", ["d"]),
        ("name.family", ["A", "D"]),
        ("Patient.nothing", []),
        ("Patient.name.family.more", []),
    ],
)
def test_walks(expression: str, values: list[Any]) -> None:
    assert [value for _, value in walk(expression)] == values


def test_types_come_with_the_values() -> None:
    assert walk("Patient.deceased") == [("dateTime", "2020-01-01")]
    assert [type for type, _ in walk("Patient.name")] == ["HumanName", "HumanName"]


def test_resolve_reads_the_type_off_the_reference() -> None:
    found = walk("Patient.generalPractitioner.where(resolve() is Practitioner)")
    assert [value.get("reference") for _, value in found] == ["Practitioner/1", None]
    (organization,) = walk("Patient.generalPractitioner.where(resolve() is Organization)")
    assert organization[1]["reference"].endswith("Organization/2")


def test_a_false_value_does_not_count_as_deceased() -> None:
    expression = "Patient.deceased.exists() and Patient.deceased != false"
    assert walk(expression, {"resourceType": "Patient", "deceasedBoolean": False}) == [
        ("boolean", False)
    ]


def test_content_references_are_followed() -> None:
    item = {"linkId": "1", "item": [{"linkId": "2", "definition": "http://d"}]}
    resource = {"resourceType": "Questionnaire", "item": [item]}
    assert walk("Questionnaire.item.item.definition", resource) == [("uri", "http://d")]


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.first().family",
        "Patient.name.first()",
        "Patient.name.where(use='official' and period.exists())",
        "Patient.name.family | Patient.name.given.upper()",
        "Person.name",
    ],
)
def test_what_is_outside_the_subset_compiles_to_nothing(expression: str) -> None:
    assert compile_path(expression, "Patient") is None
