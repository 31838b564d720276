from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology import value_sets
from terminology.value_sets import ancestors, builtin_code_system, codes, contains, descendants
from terminology.value_sets import builtin_value_set as builtin

R4 = "http://hl7.org/fhir/ValueSet/"
US_CORE = "http://hl7.org/fhir/us/core/ValueSet/"
HL7 = "http://terminology.hl7.org/"
CDC = "urn:oid:2.16.840.1.113883.6.238"


@pytest.mark.parametrize(
    ("url", "system", "code", "expected"),
    [
        (R4 + "administrative-gender", "http://hl7.org/fhir/administrative-gender", "male", True),
        (R4 + "administrative-gender|4.0.1", None, "male", True),
        (R4 + "administrative-gender", "http://hl7.org/fhir/name-use", "male", False),
        (R4 + "administrative-gender", None, "zzz", False),
        (R4 + "administrative-gender", None, "Male", False),
        (HL7 + "ValueSet/v3-NullFlavor|4.0.1", None, "UNK", True),
        (R4 + "no-such-set", None, "x", None),
        # filters
        (R4 + "patient-contactrelationship", None, "C", True),
        (R4 + "patient-contactrelationship", None, "O", False),
        (R4 + "inactive", None, "CRT", True),
        (R4 + "inactive", None, "_ActMoodPredicate", False),
        # content that is not here
        (R4 + "condition-code", "http://snomed.info/sct", "38341003", None),
        (R4 + "condition-code", "http://loinc.org", "8867-4", False),
        (R4 + "observation-codes", "http://loinc.org", "8867-4", None),
        (R4 + "jurisdiction", "urn:iso:std:iso:3166", "US", True),
        (R4 + "jurisdiction", "urn:iso:std:iso:3166", "ZZ", None),
        (R4 + "iso3166-1-2", None, "CH", True),
        (R4 + "iso3166-1-2", None, "ZZ", False),
        (R4 + "iso3166-1-3", None, "USA", None),
        (R4 + "iso3166-1-3", None, "us", False),
        # grammars
        (R4 + "all-languages", "urn:ietf:bcp:47", "de-CH-1996", True),
        (R4 + "all-languages", None, "x-private", True),
        (R4 + "all-languages", None, "english_us", False),
        (R4 + "languages", None, "en-US", True),
        (R4 + "languages", None, "EN-us", True),
        (R4 + "languages", None, "tlh", False),
        (R4 + "mimetypes", None, "text/plain; charset=utf-8", True),
        (R4 + "mimetypes", None, "application/fhir+xml", True),
        (R4 + "mimetypes", None, "json", True),
        (R4 + "mimetypes", None, "pdf", False),
        (R4 + "ucum-units", "http://unitsofmeasure.org", "mg/dL", True),
        (R4 + "ucum-units", None, "MG/DL", False),
        (R4 + "all-time-units", None, "min", True),
        (R4 + "all-time-units", None, "mg", False),
        (R4 + "currencies", None, "USD", True),
        (R4 + "currencies", None, "ZZZ", False),
        # US Core
        (US_CORE + "omb-race-category", CDC, "2106-3", True),
        (US_CORE + "omb-race-category", CDC, "1004-1", False),
        (US_CORE + "detailed-race", CDC, "1004-1", None),
        (US_CORE + "birthsex", None, "F", True),
        (US_CORE + "birthsex", None, "X", False),
        (US_CORE + "simple-language", None, "en-US", True),
        (US_CORE + "simple-language", None, "zh-Hans", False),
    ],
)
def test_contains(url: str, system: str | None, code: str, expected: bool | None) -> None:
    assert contains(url, system, code) is expected


def test_codes_lists_whole_value_sets_only() -> None:
    assert codes(R4 + "administrative-gender") == {
        ("http://hl7.org/fhir/administrative-gender", code)
        for code in ("male", "female", "other", "unknown")
    }
    assert len(codes(R4 + "iso3166-1-2") or ()) == 249
    assert codes(R4 + "condition-code") is None
    assert codes(R4 + "ucum-units") is None
    assert codes(R4 + "no-such-set") is None


@pytest.mark.parametrize(
    ("url", "size"),
    [
        (R4 + "observation-status", 8),
        (R4 + "issue-type", 31),
        (HL7 + "ValueSet/v3-ActClass", 100),
        (R4 + "security-labels", 200),
        (R4 + "c80-doc-typecodes", 6000),
    ],
)
def test_every_listed_code_is_contained(url: str, size: int) -> None:
    listed = codes(url) or frozenset()
    assert len(listed) >= size
    assert [code for system, code in listed if not contains(url, system, code)] == []
    assert [code for _, code in listed if not contains(url, None, code)] == []
    assert not any(contains(url, system, f"{code}!") for system, code in listed)


def test_descendants_and_ancestors_follow_nesting_and_child_properties() -> None:
    clinical = HL7 + "CodeSystem/condition-clinical"
    assert descendants(clinical, "active") == {"active", "recurrence", "relapse"}
    assert ancestors(clinical, "relapse") == {"active", "relapse"}
    assert descendants(clinical, "relapse") == {"relapse"}
    # DAUADOPT nests under CHLDADOPT; a `child` property of DAUC names it too.
    assert {"DAUC", "CHLDADOPT"} <= (ancestors(HL7 + "CodeSystem/v3-RoleCode", "DAUADOPT") or set())


def test_hierarchies_that_are_not_here_are_not_known() -> None:
    assert descendants("http://snomed.info/sct", "38341003") is None
    assert ancestors("http://example.org/none", "a") is None


def test_grouping_is_no_subsumption() -> None:
    nested = [{"code": "a", "concept": [{"code": "b"}]}]
    system = {"url": "u", "content": "complete", "concept": nested}
    assert value_sets.hierarchy(system).descendants("a") == {"a", "b"}
    grouped = value_sets.hierarchy({**system, "hierarchyMeaning": "grouped-by"})
    assert grouped.descendants("a") == {"a"}


def test_properties_name_parents() -> None:
    concepts = [
        {"code": "a", "property": [{"code": "child", "valueCode": "c"}]},
        {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
        {"code": "c", "property": [{"code": "subsumedBy", "valueCode": "b"}]},
    ]
    found = value_sets.hierarchy({"url": "u", "content": "complete", "concept": concepts})
    assert found.ancestors("c") == {"a", "b", "c"}
    assert found.descendants("a") == {"a", "b", "c"}


def test_circles_of_parents_end() -> None:
    concepts = [
        {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
        {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
    ]
    found = value_sets.hierarchy({"url": "u", "content": "complete", "concept": concepts})
    assert found.ancestors("a") == {"a", "b"}


def test_a_fragment_does_not_know_what_it_does_not_list() -> None:
    found = value_sets.hierarchy({"url": "u", "content": "fragment", "concept": [{"code": "a"}]})
    assert found.descendants("a") == {"a"}
    assert found.descendants("b") is None


def test_definitions_carry_no_displays_of_other_code_systems() -> None:
    value_set = builtin(R4 + "c80-doc-typecodes|4.0.1")
    assert value_set is not None
    assert "display" not in json.dumps(value_set)
    dicom = builtin_code_system("http://dicom.nema.org/resources/ontology/DCM")
    assert dicom is not None
    assert all("display" not in concept for concept in dicom["concept"])
    gender = builtin_code_system("http://hl7.org/fhir/administrative-gender")
    assert gender is not None
    assert gender["concept"][0]["display"] == "Male"


@given(st.text(), st.one_of(st.none(), st.text()), st.text())
def test_any_text_is_answered(url: str, system: str | None, code: str) -> None:
    assert contains(url, system, code) is None
    for known in ("all-languages", "mimetypes", "ucum-units", "currencies", "condition-code"):
        assert contains(R4 + known, system, code) in (True, False, None)
    assert descendants(url, code) is None
