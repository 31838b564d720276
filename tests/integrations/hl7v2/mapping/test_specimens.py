"""A specimen that OBR and SPM both tell of is one; how OBR-15 is read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integrations.hl7v2.conversions import converted, first, resources

_PID = "PID|1||M1^^^HOSP^MR||DOE^JANE"
_SPM = "SPM|1|S1&P^S2&F||BLDV^Venous blood^HL70487|||||||||||||20240101080500"


def _obr(source: str) -> str:
    times = "|||20240101080000|||C1^Col^Lector||||20240101090000+0100"
    return f"OBR|1|1^P|2^F|600-7^Blood culture^LN{times}|{source}"


def _one(source: str) -> dict[str, Any]:
    return first(converted(_PID, _obr(source), msh="ORU^R01"), "Specimen")


@pytest.mark.parametrize("msh", ["ORU^R01", "OML^O21"])
def test_spm_leads_and_obr_fills_what_it_leaves_open(msh: str) -> None:
    orc = "ORC|RE|1^P|2^F"
    conversion = converted(_PID, orc, _obr("BLD&Blood&HL70070^HEPL^^LA"), _SPM, msh=msh)
    (specimen,) = resources(conversion, "Specimen")
    assert specimen["type"]["coding"][0]["code"] == "BLDV"
    assert specimen["collection"]["collectedDateTime"] == "2024-01-01T08:05:00+01:00"
    assert specimen["collection"]["collector"]["reference"].startswith("draft:Practitioner")
    assert specimen["collection"]["bodySite"]["coding"][0]["code"] == "LA"
    assert specimen["container"][0]["additiveCodeableConcept"]["coding"][0]["code"] == "HEPL"
    assert specimen["receivedTime"] == "2024-01-01T09:00:00+01:00"
    holder = first(conversion, "DiagnosticReport" if msh == "ORU^R01" else "ServiceRequest")
    assert holder["specimen"] == [{"reference": "draft:Specimen"}]
    assert conversion.report.notes == (
        "Specimen: two segments tell collection.collectedDateTime; the leading one holds",
        "Specimen: two segments tell type; the leading one holds",
    )
    draft = next(one for one in conversion.drafts if one.type == "Specimen")
    assert draft.identities[0] == ("urn:aimed:hl7v2:P", "S1")


def test_a_second_spm_is_a_specimen_of_its_own() -> None:
    second = "SPM|2|S3&P||UR^Urine^HL70487"
    made = resources(converted(_PID, _obr("BLD"), _SPM, second, msh="ORU^R01"), "Specimen")
    assert [one["type"]["coding"][0]["code"] for one in made] == ["BLDV", "UR"]
    assert "receivedTime" not in made[1]


def test_a_specimen_before_its_order_is_the_same() -> None:
    conversion = converted(_PID, "SPM|1|S1&P", _obr("BLD"), msh="OUL^R22")
    (specimen,) = resources(conversion, "Specimen")
    assert specimen["type"]["coding"][0]["code"] == "BLD"
    assert specimen["receivedTime"] == "2024-01-01T09:00:00+01:00"


@pytest.mark.parametrize("system", ["HL70070", "HL70487", "SCT", "L"])
def test_a_code_in_place_of_a_source_is_the_type_alone(system: str) -> None:
    made = _one(f"BLD^Blood^{system}")
    assert made["type"]["coding"][0]["code"] == "BLD"
    assert made["type"]["coding"][0]["display"] == "Blood"
    assert not {"container", "note"} & made.keys()


def test_a_source_has_its_parts() -> None:
    made = _one("BLD&Blood&HL70070^HEPL^drawn with care^LA&Left arm&HL70163")
    assert made["type"]["coding"][0]["system"] == "http://terminology.hl7.org/CodeSystem/v2-0070"
    assert made["note"] == [{"text": "drawn with care"}]
    assert made["container"][0]["additiveCodeableConcept"]["coding"][0]["code"] == "HEPL"


def test_a_bare_code_is_of_the_table_of_sources() -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0070", "code": "BLD"}
    assert _one("BLD")["type"]["coding"] == [coding | {"display": "Whole blood"}]
