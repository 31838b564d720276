"""FHIRPath on a small patient, and that every rule of R4 is an expression. FHIRPath N1."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.invariants import invariants
from fhir_server.fhirpath import InvalidExpression, compile_expression, root

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"use": "official", "family": "A", "given": ["B", "C"]},
        {"use": "nickname", "given": ["D"]},
    ],
    "multipleBirthInteger": 2,
    "birthDate": "1980-05",
    "extension": [{"url": "urn:x", "valueString": "y"}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient.name.given", ["B", "C", "D"]),
        ("name.where(use = 'official').given.first()", ["B"]),
        ("name[1].given", ["D"]),
        ("name.given.count()", [3]),
        ("active and name.exists()", [True]),
        ("photo.exists()", [False]),
        ("photo.empty() implies active", [True]),
        ("multipleBirth + 1", [3]),
        ("multipleBirth is integer", [True]),
        ("name.family & '!'", ["A!"]),
        ("extension('urn:x').value", ["y"]),
        ("birthDate < @1981", [True]),
        ("birthDate = @1980-05-01", []),
        ("name.given.where($this.matches('^[BD]$'))", ["B", "D"]),
        ("name.all(given.exists())", [True]),
        ("(1 | 2 | 1).count()", [2]),
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("'abc'.substring(1)", ["bc"]),
        ("name.given contains 'C'", [True]),
        ("{} = 1", []),
    ],
)
def test_evaluates(text: str, expected: list[Any]) -> None:
    assert [node.value for node in compile_expression(text)(root(PATIENT))] == expected


@pytest.mark.parametrize("text", ["", "name.", "name..given", "name(", "'open", "1 +", "x.nope()"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(InvalidExpression):
        compile_expression(text)


@given(st.text(alphabet="name.given()[]'=<>|&@${}%10 andor\\", max_size=30))
def test_anything_compiles_or_is_refused(text: str) -> None:
    with suppress(InvalidExpression):
        compile_expression(text)


def test_every_rule_of_r4_compiles() -> None:
    rules = [rule for found in invariants().values() for rule in found]
    assert len(rules) > 200
    for rule in rules:
        compile_expression(rule.expression)
