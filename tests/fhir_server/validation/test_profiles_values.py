"""Fixed values, patterns and bindings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.definitions.profiles import Binding
from fhir_server.fhirpath import Node
from fhir_server.resource import ExactDecimal
from fhir_server.validation.profiles.bindings import binding_fault
from fhir_server.validation.profiles.fixed_and_pattern import equal, fits

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
MARITAL = "http://hl7.org/fhir/ValueSet/marital-status"
MARITAL_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
LANGUAGES = "http://hl7.org/fhir/ValueSet/all-languages"


@pytest.mark.parametrize(
    ("value", "fixed", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (True, 1, False),
        ("1", 1, False),
        (ExactDecimal("1.50"), Decimal("1.5"), True),
        (1, ExactDecimal("1.0"), True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
    ],
)
def test_fixed(value: Any, fixed: Any, same: bool) -> None:
    assert equal(value, fixed) is same


@pytest.mark.parametrize(
    ("value", "pattern", "same"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"b": 2}, {"a": 1}, False),
        ([{"a": 2}, {"a": 1, "b": 0}], [{"a": 1}], True),
        ([{"a": 2}], [{"a": 1}], False),
        ({"a": [1, 2, 3]}, {"a": [3, 1]}, True),
        ("x", {"a": 1}, False),
        (None, [1], False),
    ],
)
def test_pattern(value: Any, pattern: Any, same: bool) -> None:
    assert fits(value, pattern) is same


def severity(binding: Binding, type: str, value: Any, *, warnings: bool = True) -> str | None:
    wrong = binding_fault(binding, Node(type, value), warnings)
    return None if wrong is None else wrong[0]


def concept(*codes: str) -> dict[str, Any]:
    return {"coding": [{"system": MARITAL_SYSTEM, "code": code} for code in codes]}


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        ("code", "male", None),
        ("code", "zzz", "error"),
        ("code", None, None),
        ("Coding", {"system": "http://hl7.org/fhir/administrative-gender", "code": "male"}, None),
        ("Coding", {"code": "male"}, "error"),
        ("CodeableConcept", {"text": "male"}, "error"),
        ("CodeableConcept", {"extension": [{"url": "urn:x"}]}, None),
        ("Reference", {"reference": "Patient/p"}, None),
    ],
)
def test_required(type: str, value: Any, expected: str | None) -> None:
    assert severity(Binding("required", GENDER), type, value) == expected


def test_extensible() -> None:
    binding = Binding("extensible", MARITAL)
    assert severity(binding, "CodeableConcept", concept("M")) is None
    assert severity(binding, "CodeableConcept", concept("nobody")) == "warning"
    assert severity(binding, "CodeableConcept", concept("nobody", "M")) is None
    assert severity(binding, "CodeableConcept", {"text": "t"}) is None
    assert severity(binding, "CodeableConcept", concept("nobody"), warnings=False) is None


def test_maximum() -> None:
    binding = Binding(None, None, MARITAL)
    assert severity(binding, "CodeableConcept", concept("nobody")) == "error"
    assert severity(binding, "CodeableConcept", {"text": "t"}) is None
    assert severity(Binding(None, None, LANGUAGES), "code", "en-GB") is None


def test_a_value_set_that_is_not_known_breaks_nothing() -> None:
    assert severity(Binding("required", "urn:unknown"), "code", "zzz") is None
