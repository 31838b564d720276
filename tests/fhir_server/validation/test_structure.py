"""Structural validation: every rule, its code, its place, and no patient data in the text."""

from __future__ import annotations

import gzip
import json
import tarfile
from typing import Any

import pytest

from fhir_server.resource import loads
from fhir_server.validation.structure import check
from tests.shared_data import shared

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def patient(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **members}


@pytest.mark.parametrize(
    ("resource", "code", "expression"),
    [
        ({"resourceType": "Pat"}, "structure", "$this"),
        (patient(foo=1), "structure", "Patient.foo"),
        (patient(name={"family": "x"}), "structure", "Patient.name"),
        (patient(birthDate=["1980"]), "structure", "Patient.birthDate"),
        (patient(name=[]), "structure", "Patient.name"),
        (patient(name=[{}]), "structure", "Patient.name[0]"),
        (patient(name=["x"]), "structure", "Patient.name[0]"),
        (patient(name=[None]), "structure", "Patient.name[0]"),
        (patient(active="true"), "value", "Patient.active"),
        (patient(birthDate="1980-02-30"), "value", "Patient.birthDate"),
        (patient(birthDate="1980-02-01T10:00:00Z"), "value", "Patient.birthDate"),
        (patient(id="a b"), "value", "Patient.id"),
        (patient(language=""), "value", "Patient.language"),
        (patient(gender="zzz"), "code-invalid", "Patient.gender"),
        (patient(multipleBirthInteger=2**31), "value", "Patient.multipleBirth"),
        (patient(multipleBirthInteger=1.5), "value", "Patient.multipleBirth"),
        (patient(multipleBirthInteger=1, multipleBirthBoolean=True), "structure", "Patient.multipleBirth"),
        (patient(generalPractitioner=[{"reference": "Patient/1"}]), "structure", "Patient.generalPractitioner[0]"),
        (patient(contained=[{"resourceType": "No"}]), "structure", "Patient.contained[0]"),
        (patient(contained=[patient(gender="q")]), "code-invalid", "Patient.contained[0].gender"),
        (patient(_name=[{}]), "structure", "Patient._name"),
        (patient(name=[{"given": ["a", None]}]), "structure", "Patient.name[0].given[1]"),
        (patient(photo=[{"data": "%%"}]), "value", "Patient.photo[0].data"),
        ({"resourceType": "Observation", "status": "final"}, "required", "Observation.code"),
        ({**OBSERVATION, "valueQuantity": {"value": "5"}}, "value", "Observation.value.value"),
        ({**OBSERVATION, "issued": "2020-01-01"}, "value", "Observation.issued"),
        ({**OBSERVATION, "component": [{}]}, "required", "Observation.component[0].code"),
    ],
)  # fmt: skip
def test_faults(resource: dict[str, Any], code: str, expression: str) -> None:
    found = [(issue.code, issue.expression[0]) for issue in check(resource)]
    assert (code, expression) in found


@pytest.mark.parametrize(
    "resource",
    [
        patient(),
        patient(birthDate="1980", _birthDate={"extension": [{"url": "x", "valueString": "y"}]}),
        patient(_birthDate={"extension": [{"url": "x", "valueCode": "unknown"}]}),
        patient(name=[{"given": ["a", None], "_given": [None, {"id": "x"}]}]),
        patient(link=[{"other": {"reference": "Patient/2"}, "type": "seealso"}]),
        {**OBSERVATION, "component": [{"code": {"text": "x"}, "referenceRange": [{"text": "y"}]}]},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient()}]},
    ],
)
def test_valid_resources(resource: dict[str, Any]) -> None:
    assert check(resource) == ()


def test_all_faults_are_told_and_no_value_is_quoted() -> None:
    body = patient(gender="Zebedee", birthDate="Zebedee", name=[{"given": "Zebedee"}])
    found = check(body)
    assert {issue.expression[0] for issue in found} == {
        "Patient.gender",
        "Patient.birthDate",
        "Patient.name[0].given",
    }
    assert not any("Zebedee" in issue.diagnostics for issue in found)


def test_deep_nesting_ends() -> None:
    extension: dict[str, Any] = {"url": "x"}
    for _ in range(200):
        extension = {"url": "x", "extension": [extension]}
    found = check(patient(extension=[extension]))
    assert [issue.code for issue in found] == ["too-costly"]


def test_synthetic_patients_are_valid() -> None:
    for path in sorted(shared("synthea").glob("*.json.gz"))[:5]:
        assert check(json.loads(gzip.decompress(path.read_bytes()))) == ()


def test_us_core_examples_are_valid() -> None:
    with tarfile.open(shared("us-core/us-core-6.1.0.tgz")) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if "/example/" in member.name and member.name.endswith(".json") and stream:
                resource = loads(stream.read())
                if "resourceType" in resource:
                    assert check(resource) == (), member.name
