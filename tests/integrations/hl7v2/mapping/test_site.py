"""The site's own rows, maps and Z-segments, and clear words where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.hl7v2.mapping.report import Outcome
from integrations.hl7v2.mapping.site import SiteMapping, SiteMappingError, read_site_mapping
from integrations.hl7v2.mapping.tables import compiled
from tests.integrations.hl7v2.conversions import converted, first

_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
_FILE = {
    "timezone": "Europe/Berlin",
    "code_maps": {"AdministrativeSex": {"X": ["other", "", ""]}},
    "segments": {
        "PID[Patient]": {
            "replace": {
                "PID-10": [
                    {"field": "PID-10", "to": "extension[9].url", "value": _RACE},
                    {"field": "PID-10", "v2": "CWE", "to": "extension[9].extension.valueString"},
                    {"field": "PID-10", "to": "extension[9].extension.url", "value": "text"},
                ]
            },
            "drop": {"PID-17": "not wanted here"},
        },
        "ZPD[Patient]": {
            "add": [{"field": "ZPD-2", "v2": "XTN", "to": "telecom[9]", "when": 'ZPD-3 = "Y"'}]
        },
    },
    "rules": {"ZPD": [{"into": "Patient", "map": "ZPD[Patient]"}]},
}


def test_overrides_and_z_segments(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text(json.dumps(_FILE))
    site = read_site_mapping(path)
    conversion = converted(
        "PID|1||M1^^^H^MR||DOE|||X||W^White|||||||CAT", "ZPD|1|555^^PH|Y", msh="ADT^A08", site=site
    )
    patient = first(conversion, "Patient")
    assert patient["gender"] == "other"
    assert patient["telecom"] == [{"system": "phone", "value": "555"}]
    assert [one["url"] for one in patient["extension"]] == [_RACE]
    assert patient["extension"][0]["extension"] == [{"url": "text", "valueString": "White"}]
    fields = {f.position: f for s in conversion.report.segments if s.id == "PID" for f in s.fields}
    assert fields[17].outcome is Outcome.IGNORED
    assert fields[17].reason == "not wanted here"


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ({"PID[Patient]": {"add": [{"field": "PID-5", "to": "nom"}]}}, "Patient has no nom"),
        ({"PID[Patient]": {"add": [{"field": "PV1-5", "to": "name"}]}}, "no field of PID"),
        ({"PID[Patient]": {"add": [{"field": "PID-5"}]}}, "needs `to`"),
        ({"PID[Patient]": {"add": [{"field": "PID-5", "to": "name", "wen": "x"}]}}, "wen"),
        ({"PID[Patient]": {"add": [{"field": "PID-5", "v2": "XPN", "to": "name",
                                    "when": "PID-5 is is"}]}}, "PID-5"),
        ({"PID[Patient]": {"add": [{"field": "PID-5", "v2": "XPN", "to": "birthDate"}]}},
         "nothing makes date of XPN"),
    ],
)  # fmt: skip
def test_wrong_rows_are_named(segments: dict[str, object], said: str) -> None:
    with pytest.raises(SiteMappingError, match=said):
        compiled(SiteMapping.model_validate({"segments": segments}))


def test_wrong_rules_are_named() -> None:
    site = SiteMapping.model_validate({"rules": {"ZPD": [{"into": "Patient", "map": "ZPD[X]"}]}})
    with pytest.raises(SiteMappingError, match=r"rules\.ZPD: there is no map"):
        compiled(site)


def test_a_file_that_cannot_be_used_says_where(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text("{")
    with pytest.raises(SiteMappingError, match="JSON"):
        read_site_mapping(path)
    path.write_text('{"timezone": "Mars/Olympus", "colour": 1}')
    with pytest.raises(SiteMappingError, match=r"timezone.*colour"):
        read_site_mapping(path)
