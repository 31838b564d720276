"""Extensions that R4 itself defines are held to their definition, whatever is claimed."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.validation.validator import validate

DEFINED = "http://hl7.org/fhir/StructureDefinition/"


def patient(url: str, **value: Any) -> dict[str, Any]:
    extension = [{"url": url, **value}]
    name = [{"family": "van Damme", "_family": {"extension": extension}}]
    return {"resourceType": "Patient", "name": name}


PREFIX = f"{DEFINED}humanname-own-prefix"


def test_as_defined() -> None:
    assert validate(patient(PREFIX, valueString="van")) == ()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        # A code is derived of string and still is another member of the JSON.
        (patient(PREFIX, valueCode="van"), "value.ofType(code)"),
        (patient(PREFIX, valueQuantity={"value": 1}), "value.ofType(Quantity)"),
        (patient(f"{DEFINED}patient-animal", valueString="dog"), "extension"),
    ],
)
def test_otherwise(body: dict[str, Any], place: str) -> None:
    found = {issue.expression[0] for issue in validate(body)}
    assert f"Patient.name[0].family.extension[0].{place}" in found


@pytest.mark.parametrize(
    "url", ["urn:own", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity"]
)
def test_those_of_others_only_with_a_claim(url: str) -> None:
    assert validate(patient(url, valueCode="x")) == ()
