"""Parts of resources, and that what is left out says so."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.errors import InvalidParameter
from fhir_server.formats.subset import SUBSETTED, Subset

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"versionId": "1", "tag": [{"code": "mine"}]},
    "text": {"status": "generated", "div": "<div>x</div>"},
    "active": True,
    "name": [{"family": "A", "given": ["B"]}],
    "maritalStatus": {"text": "S"},
    "contact": [{"gender": "male"}],
    "link": [{"other": {"reference": "Patient/q"}, "type": "seealso"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "c"},
    "valueString": "v",
    "_valueString": {"id": "x"},
    "note": [{"text": "n"}],
}


def part(resource: dict[str, Any], summary: str | None = None, elements: str | None = None) -> Any:
    subset = Subset.parse(summary, elements)
    assert subset is not None
    return subset.of(resource)


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ("true", {"active", "name", "link"}),
        ("text", {"text"}),
        ("data", {"active", "name", "maritalStatus", "contact", "link"}),
    ],
)
def test_summaries(summary: str, kept: set[str]) -> None:
    found = part(PATIENT, summary)
    assert set(found) == {"resourceType", "id", "meta"} | kept
    assert found["meta"] == {"versionId": "1", "tag": [{"code": "mine"}, SUBSETTED]}


def test_a_choice_is_kept_with_its_extensions() -> None:
    found = part(OBSERVATION, elements="value")
    assert set(found) == {
        "resourceType", "id", "meta", "status", "code", "valueString", "_valueString",
    }  # fmt: skip


def test_elements_may_be_nested_and_named_with_the_type() -> None:
    found = part(PATIENT, elements="Patient.name.family,active")
    assert found["name"] == [{"family": "A"}]
    assert found["active"] is True
    assert "contact" not in found


def test_what_is_whole_is_not_tagged() -> None:
    assert part({"resourceType": "Patient", "id": "p", "active": True}, "true") == {
        "resourceType": "Patient",
        "id": "p",
        "active": True,
    }


def test_a_bundle_is_as_partial_as_its_entries() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}]}
    assert part(bundle, "text") == {**bundle, "entry": [{"resource": part(PATIENT, "text")}]}


def test_nothing_asked_is_the_whole() -> None:
    assert Subset.parse(None, None) is None
    assert Subset.parse("false", None) is None


@pytest.mark.parametrize(
    ("summary", "elements"), [("some", None), ("true", "id"), (None, ""), (None, "id,")]
)
def test_refused(summary: str | None, elements: str | None) -> None:
    with pytest.raises(InvalidParameter):
        Subset.parse(summary, elements)
