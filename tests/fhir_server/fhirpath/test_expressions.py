"""FHIRPath on a small patient, and that every rule of R4 is an expression. FHIRPath N1."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.invariants import invariants
from fhir_server.fhirpath import EvaluationError, InvalidExpression, compile_expression, root

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


@pytest.mark.parametrize("regex", ["^(a+)+$", "(a|a)*b", "(a*)*b", "a{1000}"])
@pytest.mark.parametrize("call", ["matches({})", "matchesFull({})", "replaceMatches({}, 'x')"])
def test_no_regular_expression_takes_long(regex: str, call: str) -> None:
    compiled = compile_expression(f"name.family.{call.format(repr(regex))}.exists()")
    began = time.process_time()
    compiled(root({"resourceType": "Patient", "name": [{"family": "a" * 5000 + "!"}]}))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("regex", ["(", "((a{1000}){1000}){1000}", "(?=a)"])
def test_what_is_no_regular_expression_is_said_to_be_none(regex: str) -> None:
    with pytest.raises(EvaluationError):
        compile_expression(f"name.family.matches({regex!r})")(
            root({"resourceType": "Patient", "name": [{"family": "a"}]})
        )
