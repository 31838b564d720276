"""The rules in FHIRPath: broken ones are named with their place, kept ones are silent."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.validation.validator import validate

CODE = {"text": "c"}


def resource(kind: str, **members: Any) -> dict[str, Any]:
    return {"resourceType": kind, **members}


@pytest.mark.parametrize(
    ("broken", "key", "place"),
    [
        (resource("Patient", contact=[{"gender": "male"}]), "pat-1", "Patient.contact[0]"),
        (
            resource(
                "Observation",
                status="final",
                code=CODE,
                valueString="x",
                dataAbsentReason=CODE,
            ),
            "obs-6",
            "Observation",
        ),
        (
            resource(
                "Encounter",
                status="planned",
                **{"class": {"code": "AMB"}},
                period={"start": "2021-01-02", "end": "2021-01-01"},
            ),
            "per-1",
            "Encounter.period",
        ),
        (
            resource("Patient", extension=[{"url": "urn:x"}]),
            "ext-1",
            "Patient.extension[0]",
        ),
        (
            resource("Patient", contained=[resource("Organization", id="o", name="n")]),
            "dom-3",
            "Patient",
        ),
        (
            resource("Bundle", type="collection", total=1),
            "bdl-1",
            "Bundle",
        ),
        (
            resource("Organization", active=True),
            "org-1",
            "Organization",
        ),
    ],
)
def test_what_breaks_a_rule_is_told(broken: dict[str, Any], key: str, place: str) -> None:
    issues = [issue for issue in validate(broken) if issue.severity == "error"]
    (found,) = [issue for issue in issues if key in issue.diagnostics]
    assert found.code == "invariant"
    assert found.expression == (place,)


@pytest.mark.parametrize(
    "sound",
    [
        resource("Patient", contact=[{"name": {"text": "x"}}]),
        resource("Observation", status="final", code=CODE, dataAbsentReason=CODE),
        resource(
            "Patient",
            contained=[resource("Organization", id="o", name="n")],
            managingOrganization={"reference": "#o"},
        ),
        resource("Bundle", type="searchset", total=1),
    ],
)
def test_what_keeps_them_is_silent(sound: dict[str, Any]) -> None:
    assert validate(sound) == ()


def test_best_practice_is_told_when_asked_for() -> None:
    patient = resource("Patient", active=True)
    warned = validate(patient, warnings=True)
    assert [issue.severity for issue in warned] == ["warning"]
    assert "dom-6" in warned[0].diagnostics
