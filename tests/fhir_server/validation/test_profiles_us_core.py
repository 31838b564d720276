"""US Core 6.1.0: what breaks a profile is told with its place, what meets it is silent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhir_server.errors import Issue, NotSupported
from fhir_server.validation.profiles import check_profile, claimed, must_support
from fhir_server.validation.validator import validate

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
RACE = f"{US_CORE}us-core-race"
OMB = "urn:oid:2.16.840.1.113883.6.238"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
Json = dict[str, Any]


def race(*parts: Json) -> Json:
    return {"url": RACE, "extension": list(parts)}


def part(url: str, **value: Any) -> Json:
    return {"url": url, **value}


def omb(code: str, system: str = OMB) -> Json:
    return part("ombCategory", valueCoding={"system": system, "code": code})


TEXT = part("text", valueString="t")
PATIENT: Json = {
    "resourceType": "Patient",
    "extension": [race(omb("2106-3"), TEXT)],
    "identifier": [{"system": "urn:x", "value": "1"}],
    "name": [{"family": "f"}],
    "gender": "female",
}


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def component(code: str, unit: str = "mm[Hg]", **more: Any) -> Json:
    quantity = {"value": 1, "unit": "u", "system": UCUM, "code": unit}
    return {"code": concept(LOINC, code), "valueQuantity": quantity, **more}


PRESSURE: Json = {
    "resourceType": "Observation",
    "status": "final",
    "category": [concept(CATEGORY, "vital-signs")],
    "code": concept(LOINC, "85354-9"),
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2024-01-01",
    "component": [component("8480-6"), component("8462-4")],
}
LAB: Json = {
    **{name: PRESSURE[name] for name in ("resourceType", "status", "subject")},
    "category": [concept(CATEGORY, "laboratory")],
    "code": concept(LOINC, "2093-3"),
    "effectiveDateTime": "2024-01-01",
    "valueString": "v",
}
PROBLEM: Json = {
    "resourceType": "Condition",
    "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
    "category": [
        concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")
    ],
    "code": concept("http://snomed.info/sct", "44054006"),
    "subject": {"reference": "Patient/p"},
}
WEIGHT: Json = {
    **{name: value for name, value in PRESSURE.items() if name != "component"},
    "code": concept(LOINC, "29463-7"),
    "valueQuantity": {"value": 70, "unit": "kg", "system": UCUM, "code": "kg"},
}
SOUND = {
    "us-core-patient": PATIENT,
    "us-core-blood-pressure": PRESSURE,
    "us-core-observation-lab": LAB,
    "us-core-condition-problems-health-concerns": PROBLEM,
    "us-core-body-weight": WEIGHT,
}


def changed(resource: Json, *path: str | int, to: Any = None) -> Json:
    """A copy with another value at the path, or without it."""
    made: Any = copy.deepcopy(resource)
    held = made
    for step in path[:-1]:
        held = held[step]
    if to is None:
        del held[path[-1]]
    else:
        held[path[-1]] = to
    return made  # type: ignore[no-any-return]


def told(issues: tuple[Issue, ...]) -> set[tuple[str, str]]:
    return {(one.code, one.expression[0]) for one in issues if one.severity == "error"}


@pytest.mark.parametrize("name", list(SOUND))
def test_what_meets_its_profile_is_silent(name: str) -> None:
    claims = {**SOUND[name], "meta": {"profile": [f"{US_CORE}{name}|6.1.0"]}}
    assert claimed(claims)
    assert validate(claims) == ()


@pytest.mark.parametrize(
    ("name", "broken", "issue"),
    [
        (
            "us-core-patient",
            changed(PATIENT, "identifier", 0, "system"),
            ("required", "Patient.identifier[0].system"),
        ),
        ("us-core-patient", changed(PATIENT, "gender"), ("required", "Patient.gender")),
        (
            "us-core-patient",
            changed(PATIENT, "name", 0, to={"text": "t"}),
            ("invariant", "Patient.name[0]"),
        ),
        (
            "us-core-patient",
            changed(PATIENT, "extension", to=[race(TEXT), race(TEXT)]),
            ("structure", "Patient.extension"),
        ),
        (
            "us-core-patient",
            changed(PATIENT, "extension", 0, to=race(omb("2106-3"))),
            ("required", "Patient.extension[0].extension"),
        ),
        (
            "us-core-patient",
            changed(PATIENT, "extension", 0, to=race(omb("0000-0"), TEXT)),
            ("code-invalid", "Patient.extension[0].extension[0].value.ofType(Coding)"),
        ),
        (
            "us-core-patient",
            changed(PATIENT, "extension", 0, to=race(part("ombCategory", valueString="s"), TEXT)),
            ("structure", "Patient.extension[0].extension[0].value.ofType(string)"),
        ),
        (
            "us-core-blood-pressure",
            changed(PRESSURE, "component", to=[component("8480-6"), component("8867-4")]),
            ("required", "Observation.component"),
        ),
        (
            "us-core-blood-pressure",
            changed(PRESSURE, "component", 1, to=component("8462-4", unit="kPa")),
            ("value", "Observation.component[1].value.ofType(Quantity).code"),
        ),
        (
            "us-core-blood-pressure",
            changed(PRESSURE, "component", 0, "valueQuantity"),
            ("invariant", "Observation.component[0]"),
        ),
        (
            "us-core-blood-pressure",
            changed(PRESSURE, "code", to=concept(LOINC, "8867-4")),
            ("value", "Observation.code"),
        ),
        (
            "us-core-blood-pressure",
            changed(PRESSURE, "subject", to={"reference": "Group/g"}),
            ("structure", "Observation.subject"),
        ),
        (
            "us-core-observation-lab",
            changed(LAB, "category", 0, to=concept(CATEGORY, "imaging")),
            ("required", "Observation.category"),
        ),
        (
            "us-core-condition-problems-health-concerns",
            changed(PROBLEM, "category", 0, to=concept(CATEGORY, "problem-list-item")),
            ("required", "Condition.category"),
        ),
        (
            "us-core-body-weight",
            changed(WEIGHT, "valueQuantity", "code", to="stone"),
            ("code-invalid", "Observation.value.ofType(Quantity).code"),
        ),
        (
            "us-core-body-weight",
            changed(WEIGHT, "valueQuantity", "system", to="urn:x"),
            ("value", "Observation.value.ofType(Quantity).system"),
        ),
    ],
)
def test_what_breaks_one_is_told(name: str, broken: Json, issue: tuple[str, str]) -> None:
    found = check_profile(broken, US_CORE + name)
    assert issue in told(found)
    assert told(validate({**broken, "meta": {"profile": [US_CORE + name]}})) >= told(found)
    assert all("US Core" in one.diagnostics for one in found)


def test_every_problem_is_listed_and_no_value_is_quoted() -> None:
    patient = {"resourceType": "Patient", "telecom": [{"value": "555-0199"}]}
    found = check_profile(patient, f"{US_CORE}us-core-patient")
    assert told(found) == {
        ("required", "Patient.identifier"),
        ("required", "Patient.name"),
        ("required", "Patient.telecom[0].system"),
        ("required", "Patient.gender"),
    }
    assert "555-0199" not in repr(found)


def test_an_extension_is_held_to_its_definition_wherever_it_stands() -> None:
    inside = {"resourceType": "RelatedPerson", "extension": [race(omb("2106-3"))]}
    whole = changed(PATIENT, "contact", to=[{"extension": [race()], "gender": "male"}])
    assert ("required", "Patient.contact[0].extension[0].extension") in told(
        check_profile(whole, f"{US_CORE}us-core-patient")
    )
    found = check_profile(
        {**inside, "patient": {"reference": "Patient/p"}}, f"{US_CORE}us-core-relatedperson"
    )
    assert ("required", "RelatedPerson.extension[0].extension") in told(found)


def test_a_resource_without_a_claim_is_held_to_none() -> None:
    assert validate({"resourceType": "Patient"}) == ()


def test_resources_inside_are_held_to_what_they_claim() -> None:
    inner = {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"profile": [f"{US_CORE}us-core-patient"]},
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": inner}]}
    assert ("required", "Bundle.entry[0].resource.gender") in told(validate(bundle))
    holder = changed(LAB, "contained", to=[inner])
    holder["subject"] = {"reference": "#p"}
    assert ("required", "Observation.contained[0].gender") in told(validate(holder))


def test_a_contained_target_has_to_meet_the_profile_that_the_reference_names() -> None:
    inner = {"resourceType": "Patient", "id": "p"}
    holder = {**LAB, "contained": [inner], "subject": {"reference": "#p"}}
    found = told(check_profile(holder, f"{US_CORE}us-core-observation-lab"))
    assert found == {("structure", "Observation.subject")}
    sound = {**LAB, "contained": [{**PATIENT, "id": "p"}], "subject": {"reference": "#p"}}
    assert check_profile(sound, f"{US_CORE}us-core-observation-lab") == ()


def test_a_claim_that_is_not_known_warns_only() -> None:
    other = {
        **PATIENT,
        "meta": {"profile": ["http://example.org/p", f"{US_CORE}us-core-patient|9"]},
    }
    assert claimed(other) == ()
    assert validate(other) == ()
    warned = [one for one in validate(other, warnings=True) if one.code == "not-found"]
    assert {one.severity for one in warned} == {"warning"}
    assert [one.expression[0] for one in warned] == [f"Patient.meta.profile[{i}]" for i in (0, 1)]


def test_a_claim_of_a_profile_for_another_type_is_told() -> None:
    wrong = {**PATIENT, "meta": {"profile": [f"{US_CORE}us-core-observation-lab"]}}
    assert told(validate(wrong)) == {("invalid", "Patient")}


def test_a_demand_that_is_not_known_names_those_that_are() -> None:
    with pytest.raises(NotSupported, match="us-core-patient"):
        validate(PATIENT, profiles=["http://example.org/p"])


def test_one_of_several_is_enough() -> None:
    both = [
        f"{US_CORE}us-core-condition-{name}"
        for name in ("problems-health-concerns", "encounter-diagnosis")
    ]
    assert validate(PROBLEM, one_of=both) == ()
    bare = changed(PROBLEM, "category")
    assert told(validate(bare, one_of=both)) == {("structure", "Condition")}
    assert ("required", "Condition.category") in told(validate(bare, one_of=both[:1]))
    assert validate({"resourceType": "Patient"}, one_of=both) == ()


def test_extensible_bindings_and_absent_elements_are_told_when_asked_for() -> None:
    name = f"{US_CORE}us-core-patient"
    marital = concept("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "nobody")
    state = changed(PATIENT, "address", to=[{"country": "us"}])
    state["maritalStatus"] = marital
    assert check_profile(state, name) == ()
    warned = check_profile(state, name, warnings=True)
    assert [(one.code, one.expression[0]) for one in warned if one.severity == "warning"] == [
        ("code-invalid", "Patient.maritalStatus")
    ]
    absent = {one.expression[0] for one in warned if one.severity == "information"}
    assert {"Patient.birthDate", "Patient.address[0].city"} <= absent
    assert "Patient.gender" not in absent
    assert {"Patient.birthDate", "Patient.name.family"} <= set(must_support(name))


def test_an_excuse_of_an_absent_name_is_accepted() -> None:
    reason = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    nameless = [{"extension": [{"url": reason, "valueCode": "unknown"}]}]
    assert check_profile({**PATIENT, "name": nameless}, f"{US_CORE}us-core-patient") == ()
