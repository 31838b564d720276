"""Structural validation: every rule, its code, its place, and no patient data in the text."""

from __future__ import annotations

import gzip
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.resource import loads
from fhir_server.search.extraction import Indexer
from fhir_server.validation.structure import check
from tests.shared_data import shared

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}

DECEASED = "Patient.deceased.ofType(dateTime)"
QUANTITY = "Observation.value.ofType(Quantity)"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def contained(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "contained": [{"resourceType": "Patient", "meta": meta}]}


def condition(**status: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/1"}
    return {"resourceType": "Condition", "subject": subject, "clinicalStatus": status}


def patient(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **members}


def named(values: list[Any], extras: list[Any]) -> dict[str, Any]:
    return patient(name=[{"given": values, "_given": extras}])


def timed(value: str) -> dict[str, Any]:
    return patient(deceasedDateTime=value)


TWO_BIRTHS = patient(multipleBirthInteger=1, multipleBirthBoolean=True)
OWN_DOCTOR = patient(generalPractitioner=[{"reference": "Patient/1"}])


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
        (patient(multipleBirthInteger=2**31), "value", "Patient.multipleBirth.ofType(integer)"),
        (patient(multipleBirthInteger=1.5), "value", "Patient.multipleBirth.ofType(integer)"),
        (TWO_BIRTHS, "structure", "Patient.multipleBirth"),
        (OWN_DOCTOR, "structure", "Patient.generalPractitioner[0]"),
        (patient(contained=[{"resourceType": "No"}]), "structure", "Patient.contained[0]"),
        (patient(contained=[patient(gender="q")]), "code-invalid", "Patient.contained[0].gender"),
        (patient(_name=[{}]), "structure", "Patient.name"),
        (patient(name=[{"given": ["a", None]}]), "structure", "Patient.name[0].given[1]"),
        (named([None, "b"], [{"id": "x"}, None]), "invariant", "Patient.name[0].given[0]"),
        (named(["a"], [None, {"id": "x"}]), "structure", "Patient.name[0].given"),
        (named(["a", "b"], [{"id": "x"}]), "structure", "Patient.name[0].given"),
        (patient(_birthDate={"id": "x"}), "invariant", "Patient.birthDate"),
        (patient(_active=[{"id": "x"}]), "structure", "Patient.active"),
        (timed("2020-01-01T10:00:00.1234567890Z"), "value", DECEASED),
        (patient(photo=[{"data": "%%"}]), "value", "Patient.photo[0].data"),
        (patient(name=[{"resourceType": "Patient"}]), "structure", "Patient.name[0].resourceType"),
        (patient(name=[{"family": "\ud800"}]), "value", "Patient.name[0].family"),
        (timed("2020-01-01T10:00:99Z"), "value", DECEASED),
        (timed("2020-01-01T24:00:00Z"), "value", DECEASED),
        (timed("2020-01-01T10:00:00+99:99"), "value", DECEASED),
        (patient(contained=[patient(contained=[patient()])]), "invariant", "Patient.contained[0]"),
        (contained(versionId="1"), "invariant", "Patient.contained[0]"),
        (contained(security=[{"code": "R"}]), "invariant", "Patient.contained[0]"),
        (condition(coding=[{"code": "active"}]), "code-invalid", "Condition.clinicalStatus"),
        (condition(text="active"), "code-invalid", "Condition.clinicalStatus"),
        (condition(coding=[{"code": []}]), "structure", "Condition.clinicalStatus.coding[0].code"),
        ({"resourceType": "Observation", "status": "final"}, "required", "Observation.code"),
        ({**OBSERVATION, "valueQuantity": {"value": "5"}}, "value", f"{QUANTITY}.value"),
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
        patient(name=[{"given": ["a", None], "_given": [None, {"extension": [{"url": "x"}]}]}]),
        patient(link=[{"other": {"reference": "Patient/2"}, "type": "seealso"}]),
        {**OBSERVATION, "component": [{"code": {"text": "x"}, "referenceRange": [{"text": "y"}]}]},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient()}]},
        condition(coding=[{"code": "x"}, {"system": CLINICAL, "code": "active"}]),
        condition(extension=[{"url": "u", "valueCode": "unknown"}]),
        patient(deceasedDateTime="2016-12-31T23:59:60+14:00"),
        patient(contact=[{"name": {"text": "\U0001f600"}}]),
        patient(birthDate="1980", _birthDate={"id": "x"}),
        named(["a"], [{"id": "x"}, None]),
        named(["a"], [None, None]),
        timed("2020-01-01T10:00:00.123456789Z"),
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


def test_a_property_that_is_no_name_is_not_repeated() -> None:
    (issue,) = check(patient(**{"Anna Smith \ud800": 1}))
    assert (issue.code, issue.expression) == ("structure", ("Patient",))
    assert "Anna" not in issue.diagnostics


def test_a_pair_of_nulls_is_told_once() -> None:
    found = check(patient(name=[{"given": ["a", None], "_given": [None, None]}]))
    assert [issue.expression for issue in found] == [("Patient.name[0].given[1]",)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["coding", "system", "code", "reference", "extension", "url", "resourceType"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["Patient", "Condition", "Observation", "Bundle"]),
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "_name",
                "birthDate",
                "_birthDate",
                "subject",
                "clinicalStatus",
                "meta",
                "contained",
                "extension",
                "entry",
                "valueQuantity",
                "text",
                "code",
                "id",
            ]
        ),
        JSON,
        max_size=4,
    ),
)
def test_any_json_is_judged(type: str, members: dict[str, Any]) -> None:
    resource = {"resourceType": type, **members}
    issues = check(resource)
    assert all(issue.expression and issue.diagnostics.isprintable() for issue in issues)
    if not issues:
        # What is found valid can be indexed.
        assert (
            Indexer().index({"id": "x", **resource}, datetime(2026, 1, 1, tzinfo=UTC)).keys
            is not None
        )


def test_deep_nesting_ends() -> None:
    extension: dict[str, Any] = {"url": "x"}
    for _ in range(200):
        extension = {"url": "x", "extension": [extension]}
    found = check(patient(extension=[extension]))
    assert [issue.code for issue in found] == ["too-costly"]


def test_synthetic_patients_are_valid() -> None:
    for path in sorted(shared("synthea").glob("*.json.gz"))[:5]:
        assert check(json.loads(gzip.decompress(path.read_bytes()))) == ()


NAMES_ANOTHER_ID = {
    "Bundle-docref-example-2.json",
    "Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2.json",
}


def test_us_core_examples_are_valid() -> None:
    with tarfile.open(shared("us-core/us-core-6.1.0.tgz")) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if "/example/" in member.name and member.name.endswith(".json") and stream:
                resource = loads(stream.read())
                if Path(member.name).name in NAMES_ANOTHER_ID:
                    wrong = [issue.expression for issue in check(resource)]
                    assert wrong == [("Bundle.entry[2].fullUrl",)]
                elif "resourceType" in resource:
                    assert check(resource) == (), member.name
