"""FHIRPath Patch on a small patient. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fhir_server.errors import FhirError
from fhir_server.patch.fhirpath_patch import apply
from fhir_server.resource import dumps, loads

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "identifier": [{"system": "s", "value": "1"}, {"system": "t", "value": "2"}],
    "name": [{"family": "A", "given": ["B", "C"]}],
    "deceasedBoolean": False,
}


def patch(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": list(parts)}]}


def operation(type: str, path: str, *more: dict[str, Any]) -> dict[str, Any]:
    return patch({"name": "type", "valueCode": type}, {"name": "path", "valueString": path}, *more)


def value(kind: str, content: Any) -> dict[str, Any]:
    return {"name": "value", f"value{kind}": content}


def number(name: str, index: int) -> dict[str, Any]:
    return {"name": name, "valueInteger": index}


NAME = {"name": "name", "valueString": "birthDate"}
ACTIVE = {"name": "name", "valueString": "active"}
CONTACT = {
    "name": "value",
    "part": [
        {"name": "name", "valueHumanName": {"text": "x"}},
        {"name": "telecom", "valueContactPoint": {"value": "1"}},
    ],
}


@pytest.mark.parametrize(
    ("change", "member", "expected"),
    [
        (operation("replace", "Patient.active", value("Boolean", False)), "active", False),
        (operation("add", "Patient", NAME, value("Date", "2000")), "birthDate", "2000"),
        (
            operation("add", "Patient", {"name": "name", "valueString": "contact"}, CONTACT),
            "contact",
            [{"name": {"text": "x"}, "telecom": [{"value": "1"}]}],
        ),
        (operation("delete", "Patient.active"), "active", None),
        (operation("delete", "Patient.photo"), "photo", None),
        (operation("delete", "Patient.identifier[0]"), "identifier", PATIENT["identifier"][1:]),
        (
            operation("delete", "Patient.identifier.where(system = 't')"),
            "identifier",
            PATIENT["identifier"][:1],
        ),
        (
            operation("insert", "Patient.name[0].given", number("index", 1), value("String", "X")),
            "name",
            [{"family": "A", "given": ["B", "X", "C"]}],
        ),
        (
            operation("move", "Patient.identifier", number("source", 1), number("destination", 0)),
            "identifier",
            PATIENT["identifier"][::-1],
        ),
        (
            operation("replace", "Patient.deceased", value("DateTime", "2001")),
            "deceasedDateTime",
            "2001",
        ),
        (
            operation(
                "replace", "Patient.identifier.where(system = 's').value", value("String", "9")
            ),
            "identifier",
            [{"system": "s", "value": "9"}, {"system": "t", "value": "2"}],
        ),
        (
            operation("replace", "Patient.name.first().family", value("String", "Z")),
            "name",
            [{"family": "Z", "given": ["B", "C"]}],
        ),
        (
            operation("replace", "Patient.name.given.where($this = 'C')", value("String", "Q")),
            "name",
            [{"family": "A", "given": ["B", "Q"]}],
        ),
        (
            operation("delete", "Patient.deceased.ofType(boolean)"),
            "deceasedBoolean",
            None,
        ),
        (
            operation("delete", "Patient.identifier.skip(1).where(value.startsWith('2'))"),
            "identifier",
            PATIENT["identifier"][:1],
        ),
        (
            operation(
                "insert",
                "Patient.telecom",
                number("index", 0),
                value("ContactPoint", {"value": "1"}),
            ),
            "telecom",
            [{"value": "1"}],
        ),
    ],
)
def test_operations(change: dict[str, Any], member: str, expected: Any) -> None:
    before = deepcopy(PATIENT)
    after = apply(PATIENT, change)
    assert after.get(member) == expected
    assert before == PATIENT
    assert "deceasedBoolean" not in after or "deceasedDateTime" not in after


def test_extensions_of_primitives_stay_with_their_values() -> None:
    mark = {"extension": [{"url": "u", "valueBoolean": True}]}
    patient = {**PATIENT, "name": [{"given": ["B", "C"], "_given": [None, mark]}]}
    insert = operation("insert", "Patient.name.given", number("index", 0), value("String", "A"))
    assert apply(patient, insert)["name"] == [
        {"given": ["A", "B", "C"], "_given": [None, None, mark]}
    ]
    move = operation("move", "Patient.name.given", number("source", 1), number("destination", 0))
    assert apply(patient, move)["name"] == [{"given": ["C", "B"], "_given": [mark, None]}]


def test_decimals_keep_their_digits() -> None:
    observation = loads(b'{"resourceType":"Observation","valueQuantity":{"value":1.50}}')
    change = operation(
        "add", "Observation", NAME | {"valueString": "issued"}, value("Instant", "x")
    )
    assert b"1.50" in dumps(apply(observation, change))


@pytest.mark.parametrize(
    "change",
    [
        operation("delete", "Patient"),
        operation("delete", "Patient.name.family.length()"),
        operation("delete", "Patient..name"),
        operation("delete", "name"),
        {"resourceType": "Parameters"},
        patch({"name": "type", "valueCode": "add"}),
        operation("change", "Patient.active"),
        operation("replace", "Patient.photo", value("String", "x")),
        operation("replace", "Patient.active"),
        operation("delete", "Patient.identifier"),
        operation("delete", "Observation.status"),
        operation("delete", "Patient.name.nothing()"),
        operation("delete", "Patient.nonsense"),
        operation(
            "add", "Patient", {"name": "name", "valueString": "active"}, value("Boolean", True)
        ),
        operation("insert", "Patient.identifier", number("index", 7), value("Identifier", {})),
        operation("move", "Patient.active", number("source", 0), number("destination", 0)),
        patch({"valueCode": "add"}),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FhirError):
        apply(PATIENT, change)
