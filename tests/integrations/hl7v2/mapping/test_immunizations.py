"""Vaccinations: what OBX after RXA says of them, who told it, whether anything was given."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.hl7v2.mapping.conversion import Conversion
from tests.integrations.hl7v2.conversions import converted, first, resources

_PID = "PID|1||M1^^^HOSP^MR||DOE^JANE"
_ORC = "ORC|RE||65949^DCS"


def _given(*observations: str, rxa: str = "") -> Conversion:
    told = rxa or "RXA|0|1|20240102||140^Influenza^CVX|0.5|mL^mL^UCUM||00^New^NIP001"
    return converted(_PID, _ORC, told, *observations, msh="VXU^V04")


def _obx(number: int, kind: str, code: str, group: str, value: str, status: str = "F") -> str:
    return f"OBX|{number}|{kind}|{code}^x^LN|{group}|{value}||||||{status}"


def _immunization(rxa: str) -> dict[str, Any]:
    return first(_given(rxa=rxa), "Immunization")


def test_funding_is_a_part_of_the_immunization() -> None:
    conversion = _given(
        _obx(1, "CE", "64994-7", "1", "V02^Medicaid^HL70064"),
        _obx(2, "CE", "30963-3", "1", "VXC51^Public^CDCPHINVS"),
    )
    made = first(conversion, "Immunization")
    assert [one["coding"][0]["code"] for one in made["programEligibility"]] == ["V02"]
    assert made["fundingSource"]["coding"][0]["code"] == "VXC51"
    assert not resources(conversion, "Observation")


def test_information_statements_are_told_apart_by_their_group() -> None:
    conversion = _given(
        _obx(1, "CE", "30956-7", "2", "88^Influenza, unspecified^CVX"),
        _obx(2, "TS", "29768-9", "2", "20230702"),
        _obx(3, "TS", "29769-7", "2", "20240102"),
        _obx(4, "CE", "69764-9 ", "3", "253088698300017211160720^Polio VIS^cdcgs1vis"),
        _obx(5, "DT", "29769-7", "3", "20240103"),
        _obx(6, "ST", "69764-9", "4", "https://www.cdc.gov/vis/polio.pdf"),
    )
    assert first(conversion, "Immunization")["education"] == [
        {
            "documentType": "Influenza, unspecified",
            "publicationDate": "2023-07-02",
            "presentationDate": "2024-01-02",
        },
        {"documentType": "253088698300017211160720", "presentationDate": "2024-01-03"},
        {"reference": "https://www.cdc.gov/vis/polio.pdf"},
    ]


def test_a_statement_of_which_dates_alone_are_told_says_so() -> None:
    """R4 wants a type or a reference (imm-1). Without groups, what is told again is another one."""
    made = first(
        _given(_obx(1, "TS", "29768-9", "", "20230702"), _obx(2, "TS", "29768-9", "", "20230703")),
        "Immunization",
    )
    assert made["education"] == [
        {"documentType": "not stated", "publicationDate": "2023-07-02"},
        {"documentType": "not stated", "publicationDate": "2023-07-03"},
    ]


def test_the_dose_of_a_series_is_one_protocol() -> None:
    conversion = _given(
        _obx(1, "CE", "59779-9", "1", "VXC16^ACIP^CDCPHINVS"),
        _obx(2, "NM", "30973-2", "1", "2"),
        _obx(3, "NM", "59782-3", "1", "3"),
        _obx(4, "ID", "59781-5", "1", "Y"),
    )
    assert first(conversion, "Immunization")["protocolApplied"] == [
        {
            "authority": {"display": "ACIP"},
            "doseNumberPositiveInt": 2,
            "seriesDosesPositiveInt": 3,
        }
    ]
    (validity,) = resources(conversion, "Observation")
    assert validity["partOf"] == [{"reference": "draft:Immunization"}]


def test_a_schedule_without_a_dose_number_says_so() -> None:
    made = first(_given(_obx(1, "CE", "59779-9", "1", "VXC16^ACIP^CDCPHINVS")), "Immunization")
    assert made["protocolApplied"][0]["doseNumberString"] == "not stated"


def test_a_reaction_is_an_observation_that_the_immunization_names() -> None:
    conversion = _given(_obx(1, "CE", "31044-1", "1", "VXC9^Crying^CDCPHINVS"))
    assert first(conversion, "Immunization")["reaction"] == [
        {"detail": {"reference": "draft:Observation"}}
    ]


def test_a_part_that_is_taken_back_is_none() -> None:
    conversion = _given(_obx(1, "CE", "64994-7", "1", "V02^Medicaid^HL70064", "D"))
    assert "programEligibility" not in first(conversion, "Immunization")
    assert first(conversion, "Observation")["status"] == "entered-in-error"


def test_a_remark_on_a_part_is_one_on_the_immunization() -> None:
    conversion = _given(_obx(1, "CE", "64994-7", "1", "V02^x^HL70064"), "NTE|1||asked twice")
    assert first(conversion, "Immunization")["note"] == [{"text": "asked twice"}]


@pytest.mark.parametrize(("code", "primary"), [("00", True), ("01", False), ("08", False)])
def test_who_told_of_it(code: str, primary: bool) -> None:
    made = _immunization(f"RXA|0|1|20240102||03^MMR^CVX|999|||{code}^Told^NIP001")
    assert made["primarySource"] is primary
    assert ("reportOrigin" in made) is not primary
    if not primary:
        told = made["reportOrigin"]["coding"][0]
        assert told["system"] == "urn:oid:2.16.840.1.114222.4.5.293"
    assert "doseQuantity" not in made


def test_a_note_beside_the_source_is_a_note() -> None:
    made = _immunization("RXA|0|1|20240102||03^MMR^CVX|999|||00^New^NIP001~^was nervous")
    assert made["note"] == [{"text": "was nervous"}]
    assert "reportOrigin" not in made


@pytest.mark.parametrize(
    ("completion", "action", "status"),
    [("CP", "A", "completed"), ("PA", "A", "completed"), ("RE", "A", "not-done"),
     ("NA", "U", "not-done"), ("CP", "D", "entered-in-error"), ("RE", "D", "entered-in-error"),
     ("", "U", "completed"), ("", "D", "entered-in-error")],
)  # fmt: skip
def test_what_became_of_it(completion: str, action: str, status: str) -> None:
    rxa = f"RXA|0|1|20240102||03^MMR^CVX|999{'|' * 14}{completion}|{action}"
    made = _immunization(rxa)
    assert made["status"] == status
    assert made.get("isSubpotent") is (True if completion == "PA" else None)


def test_a_refusal_has_its_reason() -> None:
    empty = "|" * 12
    told = _immunization(f"RXA|0|1|20240102||03^MMR^CVX|999{empty}00^Parental^NIP002||RE|A")
    assert told["statusReason"]["coding"][0]["system"] == "urn:oid:2.16.840.1.114222.4.5.294"
    bare = _immunization(f"RXA|0|1|20240102||03^MMR^CVX|999{empty}||RE|A")
    assert bare["statusReason"]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/v2-0322", "code": "RE",
        "display": "Refused",
    }  # fmt: skip


def test_no_vaccine_is_none_given() -> None:
    made = _immunization("RXA|0|1|20240102||998^No vaccine administered^CVX|999")
    assert made["status"] == "not-done"


def test_both_codes_of_a_vaccine_are_kept() -> None:
    made = _immunization("RXA|0|1|20240102||03^MMR^CVX^00006-4681-00^MMR II^NDC|0.5")
    assert [one["system"] for one in made["vaccineCode"]["coding"]] == [
        "http://hl7.org/fhir/sid/cvx", "http://hl7.org/fhir/sid/ndc",
    ]  # fmt: skip
