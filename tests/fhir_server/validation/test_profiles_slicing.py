"""Slicing by every kind of discriminator, on profiles made for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.profiles import Profile, compile_profile
from fhir_server.validation.profiles import check_against

Json = dict[str, Any]
SYSTEM = "urn:codes"


def profile(type: str, *elements: Json) -> Profile:
    """A profile of `type` with these elements; id and path follow from each other."""
    listed: list[Json] = [{"id": type, "path": type, "min": 0, "max": "*"}]
    for element in elements:
        parts = [part.partition(":") for part in element["id"].split(".")]
        path = ".".join(name for name, _, _ in parts)
        name = parts[-1][2]
        listed.append(
            {"path": path, "max": "*", **({"sliceName": name} if name else {}), **element}
        )
    return compile_profile(
        {"url": "urn:profile", "name": "P", "type": type, "snapshot": {"element": listed}}
    )


def sliced(by: str | None, path: str = "$this", rules: str = "open", **more: Any) -> Json:
    discriminator = [] if by is None else [{"type": by, "path": path}]
    return {"slicing": {"discriminator": discriminator, "rules": rules, **more}}


def concept(code: str, **more: Any) -> Json:
    return {"coding": [{"system": SYSTEM, "code": code, **more}]}


def coded(*codes: str) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept("x"),
        "category": [concept(code) for code in codes],
    }


def told(resource: Json, held: Profile) -> list[tuple[str, str]]:
    return [(one.code, one.expression[0]) for one in check_against(resource, held)]


CATEGORY = "Observation.category"


def by_pattern(rules: str = "open", **more: Any) -> Profile:
    return profile(
        "Observation",
        {"id": CATEGORY, "type": [{"code": "CodeableConcept"}]}
        | sliced("pattern", rules=rules, **more),
        {"id": f"{CATEGORY}:a", "max": "1", "patternCodeableConcept": concept("a")},
        {"id": f"{CATEGORY}:b", "min": 1, "patternCodeableConcept": concept("b")},
    )


@pytest.mark.parametrize(
    ("rules", "codes", "expected"),
    [
        ("open", "b", []),
        ("open", "xbxa", []),
        ("open", "ax", [("required", CATEGORY)]),
        ("open", "aba", [("structure", CATEGORY)]),
        ("closed", "ab", []),
        ("closed", "bx", [("structure", f"{CATEGORY}[1]")]),
        ("openAtEnd", "abxx", []),
        ("openAtEnd", "axb", [("structure", f"{CATEGORY}[2]")]),
    ],
)
def test_rules(rules: str, codes: str, expected: list[tuple[str, str]]) -> None:
    assert told(coded(*codes), by_pattern(rules)) == expected


def test_order() -> None:
    assert told(coded("a", "x", "b", "b"), by_pattern(ordered=True)) == []
    assert told(coded("b", "a"), by_pattern(ordered=True)) == [("structure", f"{CATEGORY}[1]")]


def test_a_default_slice_has_the_rest() -> None:
    held = profile(
        "Observation",
        {"id": CATEGORY} | sliced("pattern", rules="closed"),
        {"id": f"{CATEGORY}:a", "patternCodeableConcept": concept("a")},
        {"id": f"{CATEGORY}:@default", "max": "1"},
        {"id": f"{CATEGORY}:@default.text", "min": 1, "max": "1"},
    )
    assert told(coded("a", "x"), held) == [("required", f"{CATEGORY}[1].text")]
    assert ("structure", CATEGORY) in told(coded("x", "y"), held)


def test_slices_are_divided_again() -> None:
    held = profile(
        "Observation",
        {"id": CATEGORY} | sliced("value", "coding.system"),
        {"id": f"{CATEGORY}:a"} | sliced("value", "coding.code", rules="closed"),
        {"id": f"{CATEGORY}:a.coding.system", "min": 1, "max": "1", "fixedUri": SYSTEM},
        {"id": f"{CATEGORY}:a/one", "min": 1, "max": "1"},
        {"id": f"{CATEGORY}:a/one.coding.code", "min": 1, "max": "1", "fixedCode": "one"},
        {"id": f"{CATEGORY}:a/two"},
        {"id": f"{CATEGORY}:a/two.coding.code", "min": 1, "max": "1", "fixedCode": "two"},
    )
    assert told(coded("one", "two", "two"), held) == []
    assert told(coded("two"), held) == [("required", CATEGORY)]
    assert told(coded("one", "three"), held) == [("structure", f"{CATEGORY}[1]")]


def test_slices_inside_slices() -> None:
    held = profile(
        "Observation",
        {"id": "Observation.component"} | sliced("pattern", "code"),
        {"id": "Observation.component:a"},
        {"id": "Observation.component:a.code", "max": "1", "patternCodeableConcept": concept("a")},
        {"id": "Observation.component:a.code.coding"} | sliced("value", "system"),
        {"id": "Observation.component:a.code.coding:own", "min": 1, "max": "1"},
        {"id": "Observation.component:a.code.coding:own.system", "max": "1", "fixedUri": SYSTEM},
    )
    twice = {"code": {"coding": [*concept("a")["coding"], *concept("z")["coding"]]}}
    found = told({**coded(), "component": [{"code": concept("a")}, twice]}, held)
    assert found == [("structure", "Observation.component[1].code.coding")]


def test_by_type() -> None:
    value = "Observation.value[x]"
    held = profile(
        "Observation",
        {"id": value, "max": "1"} | sliced("type", rules="closed"),
        {"id": f"{value}:valueQuantity", "max": "1", "type": [{"code": "Quantity"}]},
        {"id": f"{value}:valueQuantity.unit", "min": 1, "max": "1"},
    )
    assert told({**coded(), "valueString": "x"}, held) == [
        ("structure", "Observation.value.ofType(string)")
    ]
    assert told({**coded(), "valueQuantity": {"value": 1}}, held) == [
        ("required", "Observation.value.ofType(Quantity).unit")
    ]
    assert told({**coded(), "valueQuantity": {"value": 1, "unit": "u"}}, held) == []


def test_by_the_type_of_what_is_referred_to() -> None:
    core = "http://hl7.org/fhir/StructureDefinition/"
    held = profile(
        "Observation",
        {"id": "Observation.performer"} | sliced("type", "resolve()"),
        {
            "id": "Observation.performer:person",
            "min": 1,
            "max": "1",
            "type": [{"code": "Reference", "targetProfile": [f"{core}Practitioner"]}],
        },
    )

    def by(*references: str) -> Json:
        return {**coded(), "performer": [{"reference": one} for one in references]}

    assert told(by("Practitioner/1", "Organization/1"), held) == []
    assert told(by("Organization/1"), held) == [("required", "Observation.performer")]
    assert told(by("Practitioner/1", "Practitioner/2"), held) == [
        ("structure", "Observation.performer")
    ]
    # Nobody can tell what this one is.
    assert told(by("urn:uuid:8e1dd1f0-0000-4000-8000-000000000000"), held) == []


def test_by_existence() -> None:
    held = profile(
        "Patient",
        {"id": "Patient.name"} | sliced("exists", "period"),
        {"id": "Patient.name:former", "max": "1"},
        {"id": "Patient.name:former.period", "min": 1, "max": "1"},
        {"id": "Patient.name:present", "min": 1},
        {"id": "Patient.name:present.period", "max": "0"},
    )
    former: Json = {"text": "a", "period": {"start": "2000"}}
    assert told({"resourceType": "Patient", "name": [former, {"text": "b"}]}, held) == []
    assert told({"resourceType": "Patient", "name": [former]}, held) == [
        ("required", "Patient.name")
    ]
    assert told({"resourceType": "Patient", "name": [former, former, {"text": "b"}]}, held) == [
        ("structure", "Patient.name")
    ]


def test_by_profile() -> None:
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization"
    held = profile(
        "Bundle",
        {"id": "Bundle.entry"} | sliced("profile", "resource"),
        {"id": "Bundle.entry:org", "min": 1, "max": "1"},
        {
            "id": "Bundle.entry:org.resource",
            "min": 1,
            "max": "1",
            "type": [{"code": "Organization", "profile": [us_core]}],
        },
    )

    def bundle(**organization: Any) -> Json:
        inner = {"resourceType": "Organization", **organization}
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": inner}]}

    assert told(bundle(active=True, name="n"), held) == []
    assert told(bundle(name="n"), held) == [("required", "Bundle.entry")]


def test_by_extension() -> None:
    held = profile(
        "Patient",
        {"id": "Patient.contact"} | sliced("value", "extension('urn:rank').value"),
        {"id": "Patient.contact:first", "min": 1, "max": "1"},
        {"id": "Patient.contact:first.extension"} | sliced("value", "url"),
        {"id": "Patient.contact:first.extension:rank", "min": 1, "max": "1"},
        {"id": "Patient.contact:first.extension:rank.url", "max": "1", "fixedUri": "urn:rank"},
        {"id": "Patient.contact:first.extension:rank.value[x]", "max": "1", "fixedInteger": 1},
    )

    def patient(*ranks: int) -> Json:
        return {
            "resourceType": "Patient",
            "contact": [
                {"extension": [{"url": "urn:rank", "valueInteger": rank}], "gender": "male"}
                for rank in ranks
            ],
        }

    assert told(patient(2, 1), held) == []
    assert told(patient(2), held) == [("required", "Patient.contact")]


def test_by_what_a_pattern_above_says() -> None:
    held = profile(
        "Observation",
        {"id": CATEGORY} | sliced("value", "coding.code"),
        {"id": f"{CATEGORY}:a", "min": 1, "max": "1", "patternCodeableConcept": concept("a")},
    )
    assert told(coded("a", "b"), held) == []
    assert told(coded("b"), held) == [("required", CATEGORY)]


def test_without_discriminators_a_slice_is_what_fits_it() -> None:
    held = profile(
        "Observation",
        {"id": CATEGORY} | sliced(None),
        {"id": f"{CATEGORY}:a", "min": 1, "max": "1"},
        {"id": f"{CATEGORY}:a.text", "min": 1, "max": "1"},
    )
    assert told({**coded("a"), "category": [{"text": "t"}]}, held) == []
    assert told(coded("a"), held) == [("required", CATEGORY)]
