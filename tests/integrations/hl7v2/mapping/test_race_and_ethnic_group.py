"""PID-10 and PID-22 by the extensions of US Core; a site may do without them."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.hl7v2.mapping.site import SegmentOverride, SiteMapping
from tests.integrations.hl7v2.conversions import converted, first

_US = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_CDCREC = "urn:oid:2.16.840.1.113883.6.238"


def _told(race: str = "", ethnic: str = "", site: SiteMapping | None = None) -> dict[str, Any]:
    """The extensions of a Patient by name, each a list of (url, value)."""
    pid = f"PID|1||M1^^^HOSP^MR||DOE^JANE|||F||{race}{'|' * 12}{ethnic}"
    patient = first(converted(pid, msh="ADT^A01", site=site), "Patient")
    return {
        one["url"].removeprefix(_US): [
            (part["url"], part.get("valueString") or part["valueCoding"])
            for part in one["extension"]
        ]
        for one in patient.get("extension", ())
    }


def _coding(code: str, display: str, system: str = _CDCREC) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


@pytest.mark.parametrize("system", ["CDCREC", "HL70005", ""])
def test_an_omb_category_is_one(system: str) -> None:
    told = _told(f"2106-3^White^{system}".rstrip("^"), f"2186-5^Not Hispanic or Latino^{system}")
    assert told["race"] == [("ombCategory", _coding("2106-3", "White")), ("text", "White")]
    assert told["ethnicity"] == [
        ("ombCategory", _coding("2186-5", "Not Hispanic or Latino")),
        ("text", "Not Hispanic or Latino"),
    ]


def test_several_races_are_one_extension() -> None:
    told = _told("2106-3^White^CDCREC~2028-9^Asian^CDCREC~2034-7^Chinese^CDCREC")
    assert told["race"] == [
        ("ombCategory", _coding("2106-3", "White")),
        ("ombCategory", _coding("2028-9", "Asian")),
        ("detailed", _coding("2034-7", "Chinese")),
        ("text", "White, Asian, Chinese"),
    ]


@pytest.mark.parametrize(
    ("sent", "code"),
    [("H^Hispanic or Latino^HL70189", "2135-2"), ("N^^HL70189", "2186-5"), ("N", "2186-5")],
)
def test_the_table_of_ethnic_groups_has_its_categories(sent: str, code: str) -> None:
    assert _told(ethnic=sent)["ethnicity"][0][1]["code"] == code


def test_what_is_unknown_is_told_as_unknown() -> None:
    null = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    assert _told("UNK^Unknown^NULLFL")["race"] == [
        ("ombCategory", _coding("UNK", "Unknown", null)), ("text", "Unknown"),
    ]  # fmt: skip
    assert _told(ethnic="U^Unknown^HL70189")["ethnicity"] == [("text", "Unknown")]


@pytest.mark.parametrize("sent", ["W^White^L", "^White", "White"])
def test_a_code_of_the_site_is_a_text(sent: str) -> None:
    assert _told(sent)["race"] == [("text", "White")]


def test_a_second_triplet_may_be_the_category() -> None:
    told = _told("W^Caucasian^L^2106-3^White^CDCREC")
    assert told["race"] == [("ombCategory", _coding("2106-3", "White")), ("text", "Caucasian")]


def test_only_one_ethnic_group_is_a_category() -> None:
    told = _told(ethnic="2135-2^Hispanic^CDCREC~2148-5^Mexican^CDCREC~2186-5^Not^CDCREC")
    assert [name for name, _ in told["ethnicity"]] == ["ombCategory", "detailed", "text"]


def test_a_site_may_do_without() -> None:
    drop = {"PID-10": "not kept here", "PID-22": "not kept here"}
    site = SiteMapping(segments={"PID[Patient]": SegmentOverride(drop=drop)})
    assert not _told("2106-3^White^CDCREC", "2186-5^Not^CDCREC", site)
