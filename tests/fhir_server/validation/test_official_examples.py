"""The 5,306 official R4 examples: accepted or rightly refused, and the same again through XML.

They are in the npm package hl7.fhir.r4.examples 4.0.1 (CC0-1.0). Unpack it and name its folder in
AIMED_TEST_R4_EXAMPLES; without it the test is skipped.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fhir_server.formats.xhtml import xml_of
from fhir_server.formats.xml_reader import from_xml
from fhir_server.formats.xml_writer import to_xml
from fhir_server.resource import loads
from fhir_server.validation.validator import validate

NO_BASE = "base is 1..*"
TARGET = "a reference to a type that the element does not allow"
EMPTY = "txt-2: a narrative without content"
FULL_URL = "a full URL that names another id than the resource has"
NO_PARENT = "sdf-4: no baseDefinition, though it is not abstract"
REFUSED = {
    "ActivityDefinition-blood-tubes-supply": EMPTY,
    "ActivityDefinition-heart-valve-replacement": EMPTY,
    "EventDefinition-example": EMPTY,
    "Questionnaire-zika-virus-exposure-assessment": EMPTY,
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74": FULL_URL,
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe": FULL_URL,
    "Bundle-lri-example": FULL_URL,
    "Bundle-dataelements": "bdl-7: two entries have one full URL and no version",
    "PlanDefinition-example-cardiology-os": "a canonical `#id` of which there is no resource",
    "DeviceMetric-example": TARGET,
    "DeviceUseStatement-example": TARGET,
    "MedicationRequest-medrx0301": TARGET,
    "Observation-clinical-gender": TARGET,
    "ImplementationGuide-fhir": "name and definition.resource are 1..1",
    "ig-r4": "name and definition.resource are 1..1",
    **{
        f"StructureDefinition-{name}": NO_PARENT
        for name in ("Definition", "Event", "FiveWs", "Request")
    },
    "Questionnaire-qs1": "item.linkId is 1..1",
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject": "id is "
    "at most 64 characters",
    **{
        f"SearchParameter-{type}-extensions-{name}-{code}": NO_BASE
        for type, name in (("codesystem", "CodeSystem"), ("valueset", "ValueSet"))
        for code in ("author", "effective", "end", "keyword", "workflow")
    },
}


def folder() -> Path:
    named = os.environ.get("AIMED_TEST_R4_EXAMPLES")
    if named is None:
        pytest.skip("needs the official examples in AIMED_TEST_R4_EXAMPLES")
    return Path(named)


def comparable(value: Any) -> Any:
    """Narratives as XML, decimals as they are written."""
    if isinstance(value, dict):
        return {k: xml_of(v) if k == "div" else comparable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    return getattr(value, "text", value)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_is_accepted_or_breaks_the_rule_that_is_named() -> None:
    refused, seen = set(), 0
    for path in sorted(folder().glob("*.json")):
        resource = loads(path.read_bytes())
        if "resourceType" not in resource:
            continue
        seen += 1
        if validate(resource):
            refused.add(path.stem)
        else:
            assert comparable(from_xml(to_xml(resource))) == comparable(resource), path.stem
    assert seen == 5306
    assert refused == set(REFUSED)
