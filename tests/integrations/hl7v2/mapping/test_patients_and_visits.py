"""ADT: identities, times, deletions, events."""

from __future__ import annotations

import pytest

from integrations.hl7v2.mapping.actions import (
    Cancel,
    Cancelled,
    ChangeIdentifier,
    Discharge,
    Merge,
    SnapshotAllergies,
)
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.site import SiteMapping
from tests.integrations.hl7v2.conversions import converted, first

_PID = "PID|1||M1^^^HOSP^MR~123-45-6789^^^^SS||DOE^JOHN^Q^JR^DR||19700203|M"
_PV1 = "|".join((
    "PV1|1|I|W^1^A^HOSP||||7^WELBY^MARCUS", *[""] * 11, "V1^^^HOSP", *[""] * 24, "202401010800"
))  # fmt: skip


@pytest.mark.parametrize(
    ("cx4", "system"),
    [
        ("HOSP", "urn:aimed:hl7v2:HOSP"),
        ("MAPPED", "urn:oid:1.2.3.4"),
        ("HOSP&2.16.840.1.113883.19&ISO", "urn:oid:2.16.840.1.113883.19"),
        ("MBI&2.16.840.1.113883.4.927&ISO", "http://hl7.org/fhir/sid/us-mbi"),
        ("&6BA7B810-9DAD-11D1-80B4-00C04FD430C8&UUID",
         "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("X&https://example.org/mrn&URI", "https://example.org/mrn"),
        ("X&mrn.example.org&DNS", "dns:mrn.example.org"),
        ("A B/C", "urn:aimed:hl7v2:A%20B%2FC"),
        ("", "urn:aimed:hl7v2:facility:HOSP"),
    ],
)  # fmt: skip
def test_assigning_authorities(cx4: str, system: str) -> None:
    site = SiteMapping(authorities={"MAPPED": "urn:oid:1.2.3.4"})
    conversion = converted(f"PID|1||M1^^^{cx4}^MR", msh="ADT^A08", site=site)
    assert conversion.draft("Patient").identities == ((system, "M1"),)


def test_a_default_authority_is_the_sites() -> None:
    site = SiteMapping(default_authority="urn:oid:1.2.3")
    conversion = converted("PID|1||M1", msh="ADT^A08", site=site)
    assert conversion.draft("Patient").identities == (("urn:oid:1.2.3", "M1"),)


def test_a_social_security_number_is_no_identity() -> None:
    patient = converted(_PID, msh="ADT^A08").draft("Patient")
    assert [value for _, value in patient.identities] == ["M1"]
    assert len(patient.resource["identifier"]) == 2
    assert patient.policy is Policy.DEMOGRAPHICS


def test_a_time_without_zone_takes_that_of_the_message_then_of_the_site_then_none() -> None:
    with_zone = converted("EVN|A01|202401020304", _PID, _PV1, msh="ADT^A01")
    assert first(with_zone, "Encounter")["period"]["start"] == "2024-01-01T08:00:00+01:00"
    head = "MSH|^~\\&|A|HOSP|||20240102||ADT^A01|1|P|2.5"
    zoned = converted(head, _PID, _PV1, site=SiteMapping(timezone="America/New_York"))
    assert first(zoned, "Encounter")["period"]["start"] == "2024-01-01T08:00:00-05:00"
    bare = converted(head, _PID, _PV1, site=SiteMapping())
    assert first(bare, "Encounter")["period"]["start"] == "2024-01-01"
    pv1 = next(s for s in bare.report.segments if s.id == "PV1")
    assert "no zone" in next(f for f in pv1.fields if f.position == 44).reason


def test_nothing_sent_is_not_the_same_as_deleted() -> None:
    patient = converted('PID|1||M1^^^HOSP^MR||DOE||""|F|||||""', msh="ADT^A08").draft("Patient")
    assert set(patient.cleared) == {"birthDate", "telecom"}
    assert "birthDate" not in patient.resource
    assert "address" not in patient.cleared


@pytest.mark.parametrize(
    ("sent", "gender"), [("1", "male"), ("2", "female"), ("9", "unknown"), ("X", "other"),
                         ("m", "male"), ("Female", "female"), ("M^Male^HL70001", "male")],
)  # fmt: skip
def test_sexes_of_table_0001_and_of_iso_5218(sent: str, gender: str) -> None:
    pid = f"PID|1||M1^^^HOSP^MR||DOE||19800102|{sent}"
    assert first(converted(pid, msh="ADT^A08"), "Patient")["gender"] == gender


@pytest.mark.parametrize(
    ("sent", "system", "value"),
    [
        ("^^PH^0522459021", "phone", "0522459021"), ("^PRN^FX^0522459021", "fax", "0522459021"),
        ("^^CP^0793721264", "phone", "0793721264"), ("^^PH^a@b.example", "email", "a@b.example"),
        ("^NET^Internet^a@b.example", "email", "a@b.example"),
        ("^PRN^PH^^^^^^^(056)7725633", "phone", "(056)7725633"),
    ],
)  # fmt: skip
def test_a_telephone_a_component_late_is_no_address_of_e_mail(
    sent: str, system: str, value: str
) -> None:
    pid = f"PID|1||M1^^^HOSP^MR||DOE||||||||{sent}"
    (point,) = first(converted(pid, msh="ADT^A08"), "Patient")["telecom"]
    assert (point["system"], point["value"]) == (system, value)


def test_an_empty_first_repetition_makes_no_half_of_a_class() -> None:
    coverage = first(converted(_PID, "IN1|1|P|C|Co||||G1|~~Group", msh="ADT^A01"), "Coverage")
    assert [one.get("name") for one in coverage["class"]] == ["P", "Group"]
    assert all("value" in one and "type" in one for one in coverage["class"])


@pytest.mark.parametrize(
    ("sent", "value", "system"),
    [
        ("123-45-6789^^^SS", "123-45-6789", "http://hl7.org/fhir/sid/us-ssn"),
        ("123456789", "123456789", "http://hl7.org/fhir/sid/us-ssn"),
        ("0306923089", "0306923089", None), ("TOEL920305HBCRRG81", "TOEL920305HBCRRG81", None),
    ],
)  # fmt: skip
def test_a_social_security_number_of_another_country(
    sent: str, value: str, system: str | None
) -> None:
    pid = f"PID|1||M1^^^HOSP^MR||DOE{'|' * 14}{sent}"
    held = first(converted(pid, msh="ADT^A08"), "Patient")["identifier"][-1]
    assert held["type"]["coding"][0]["code"] == "SS"
    assert (held["value"], held.get("system")) == (value, system)


def test_names_in_two_scripts_are_told_apart() -> None:
    pid = "PID|1||M1^^^HOSP^MR||患者^太郎^^^^^L^I~カンジャ^タロウ^^^^^L^P"
    names = first(converted(pid, msh="ADT^A08"), "Patient")["name"]
    assert [one["extension"][0]["valueCode"] for one in names] == ["IDE", "SYL"]


def test_a_breed_without_a_species_is_no_animal() -> None:
    pid = "PID|1||M1^^^HOSP^MR||REX" + "|" * 31 + "~POODLE"
    assert "extension" not in first(converted(pid, msh="ADT^A08"), "Patient")


def test_a_contact_that_ends_before_it_begins_keeps_its_begin() -> None:
    nk1 = "NK1|1|DOE^Jon|SPO|||||20240101|20230101"
    patient = first(converted(_PID, nk1, msh="ADT^A08"), "Patient")
    assert patient["contact"][0]["period"] == {"start": "2024-01-01"}


def test_a_choice_is_deleted_as_the_element_it_is() -> None:
    dead = "PID|1||M1^^^HOSP^MR||DOE||19800102|F" + "|" * 21 + '""'
    assert set(converted(dead, msh="ADT^A08").draft("Patient").cleared) == {"deceased"}


def test_what_a_message_deletes_and_tells_is_told() -> None:
    """PID-14 is deleted, PID-13 is not: the telephone at home stays."""
    pid = 'PID|1||M1^^^HOSP^MR||DOE||||||||^^^^^555^123|""'
    patient = converted(pid, msh="ADT^A08").draft("Patient")
    assert patient.cleared == ()
    assert patient.resource["telecom"][0]["value"] == "555 123"


def test_a_default_of_r4_takes_the_place_of_what_is_deleted() -> None:
    coverage = converted(_PID, 'IN1|1|P|""|""|""', msh="ADT^A01").draft("Coverage")
    assert "payor" not in coverage.cleared
    assert coverage.resource["payor"] == [{"display": "not stated"}]


def test_discharge() -> None:
    end = _PV1 + "|202401051200"
    conversion = converted(_PID, end, msh="ADT^A03")
    encounter = first(conversion, "Encounter")
    assert encounter["status"] == "finished"
    assert encounter["period"]["end"] == "2024-01-05T12:00:00+01:00"
    assert conversion.actions == (Discharge("Encounter"),)


@pytest.mark.parametrize(
    ("trigger", "status", "what"),
    [("A11", "cancelled", Cancelled.ADMIT), ("A12", "in-progress", Cancelled.TRANSFER),
     ("A13", "in-progress", Cancelled.DISCHARGE), ("A27", "cancelled", Cancelled.PENDING_ADMIT)],
)  # fmt: skip
def test_cancelled_events(trigger: str, status: str, what: Cancelled) -> None:
    conversion = converted(_PID, _PV1, msh=f"ADT^{trigger}")
    assert first(conversion, "Encounter")["status"] == status
    assert conversion.actions == (Cancel("Encounter", what),)


def test_merges_name_both_patients_each_pair_its_own() -> None:
    conversion = converted(
        "PID|1||S1^^^HOSP^MR", "MRG|R1^^^HOSP^MR", "PID|2||S2^^^HOSP^MR", "MRG|R2^^^HOSP^MR",
        msh="ADT^A40",
    )  # fmt: skip
    pairs = []
    for action in conversion.actions:
        assert isinstance(action, Merge)
        keys = (action.survivor, action.retired)
        pairs.append(tuple(conversion.draft(key).identities[0][1] for key in keys))
    assert pairs == [("S1", "R1"), ("S2", "R2")]


def test_a_changed_identifier() -> None:
    conversion = converted("PID|1||N^^^HOSP^MR", "MRG|O^^^HOSP^MR", msh="ADT^A47")
    assert conversion.actions == (ChangeIdentifier("Patient", "Patient[2]"),)


def test_allergies_without_actions_are_all_of_them() -> None:
    conversion = converted(_PID, "IAM|1|DA|P^Penicillin^L|SV|Hives", msh="ADT^A60")
    assert conversion.actions == (SnapshotAllergies("Patient", ("AllergyIntolerance",)),)
    allergy = first(conversion, "AllergyIntolerance")
    assert allergy["reaction"] == [{"severity": "severe", "manifestation": [{"text": "Hives"}]}]


def test_the_innermost_place_lies_in_the_outer_ones() -> None:
    conversion = converted(_PID, _PV1, msh="ADT^A01")
    names = [d.resource["name"] for d in conversion.drafts if d.type == "Location"]
    assert names == ["HOSP", "W", "1", "A"]
    place = first(conversion, "Encounter")["location"][0]["location"]["reference"]
    assert conversion.draft(place.removeprefix("draft:")).resource["name"] == "A"


def test_an_unknown_message_type_still_tells_of_its_patient() -> None:
    conversion = converted(_PID, "ABC|1|x", msh="XYZ^Q99")
    assert first(conversion, "Patient")["birthDate"] == "1970-02-03"
    assert [s.id for s in conversion.report.unmapped_segments] == ["ABC"]


_CPT = "http://www.ama-assn.org/go/cpt"
_ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"


@pytest.mark.parametrize(
    ("segment", "type", "system"),
    [
        ("DG1|1|I9|786.50|CHEST PAIN|20240101|A", "Condition", _ICD9),
        ("DG1|1|I9|786.50^CHEST PAIN^L||20240101|A", "Condition", None),
        ("DG1|1|C4|786.50^CHEST PAIN^I9C||20240101|A", "Condition", _ICD9),
        ("DG1|1||786.50|CHEST PAIN|20240101|A", "Condition", None),
        ("PR1|1|C4|93000|ECG|20240101", "Procedure", _CPT),
    ],
)
def test_the_coding_method_is_the_system_of_a_code_that_names_none(
    segment: str, type: str, system: str | None
) -> None:
    made = first(converted(_PID, "PV1|1|I", segment, msh="ADT^A01"), type)
    assert made["code"]["coding"][0].get("system") == system


@pytest.mark.parametrize(
    "sent",
    [
        "1234567893^WELBY^MARCUS^^^^^^NPI^^^^NPI",
        "1234567893^WELBY^MARCUS^^^^^^&2.16.840.1.113883.4.6&ISO",
        "1234567893^WELBY^MARCUS^^^^^^NPI&2.16.840.1.113883.4.6&ISO^L^^^NPI",
        "1234567893^WELBY^MARCUS^^^^^^NPI",
    ],
)
def test_a_national_provider_identifier_is_the_same_however_it_is_told(sent: str) -> None:
    conversion = converted(_PID, f"PV1|1|I|||||{sent}", msh="ADT^A01")
    doctor = conversion.draft("Practitioner")
    assert doctor.identities == (("http://hl7.org/fhir/sid/us-npi", "1234567893"),)


def test_a_national_provider_identifier_may_stand_where_a_licence_does() -> None:
    made = first(
        converted("PRD|RP|WELBY^MARCUS|||||1234567893^NPI", msh="REF^I12"), "PractitionerRole"
    )
    assert made["identifier"][0]["system"] == "http://hl7.org/fhir/sid/us-npi"


def test_an_allergy_that_is_confirmed_but_inactive() -> None:
    made = first(
        converted(_PID, f"IAM|1|DA|PEN^Pen^L|||A|77^X{'|' * 10}I^^HL70438", msh="ADT^A60"),
        "AllergyIntolerance",
    )
    assert made["verificationStatus"]["coding"][0]["code"] == "confirmed"
    assert made["clinicalStatus"]["coding"][0]["code"] == "inactive"


def test_diagnoses_of_a_visit_are_ranked() -> None:
    segments = [
        f"DG1|{rank}||{code}^x^I10||20240101|F{'|' * 9}{rank}"
        for code, rank in (("K80", "2"), ("K81", "1"), ("K82", "0"))
    ]
    conversion = converted(_PID, _PV1, *segments, msh="ADT^A01")
    told = first(conversion, "Encounter")["diagnosis"]
    assert [one.get("rank") for one in told] == [2, 1, None]


@pytest.mark.parametrize(("action", "status"), [("D", "entered-in-error"), ("A", "completed")])
def test_a_deleted_procedure_is_an_error(action: str, status: str) -> None:
    conversion = converted(
        _PID, _PV1, f"PR1|1||47562^x^C4||20240101{'|' * 14}P1^X|{action}", msh="BAR^P12"
    )
    assert first(conversion, "Procedure")["status"] == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [("202401020800", "finished"), ("0", "in-progress"), ("00000000", "in-progress")],
)
def test_a_visit_ends_by_a_time_that_can_be_read(sent: str, status: str) -> None:
    made = first(converted(_PID, f"{_PV1}|{sent}", msh="ADT^A08"), "Encounter")
    assert made["status"] == status
    assert ("end" in made["period"]) == (status == "finished")


@pytest.mark.parametrize(
    ("trigger", "kind", "state", "status"),
    [
        ("S12", "O", "Booked", "planned"),
        ("S14", "O", "", "planned"),
        ("S14", "O", "Arrived", "in-progress"),
        ("S15", "O", "Cancelled", "cancelled"),
        ("S26", "O", "Noshow", "cancelled"),
        ("S12", "I", "Booked", "in-progress"),
        ("S15", "I", "Cancelled", "in-progress"),
    ],
)
def test_the_outpatient_visit_of_an_appointment_has_not_begun(
    trigger: str, kind: str, state: str, status: str
) -> None:
    conversion = converted(
        f"SCH|1^EHR|{'|' * 22}|{state}", _PID, f"PV1|1|{kind}{'|' * 17}V9", msh=f"SIU^{trigger}"
    )
    assert first(conversion, "Encounter")["status"] == status


def test_a_financial_class_holds_from_its_date_on() -> None:
    pv1 = f"PV1|1|R{'|' * 18}V02^20240101~H02^20240101"
    conversion = converted(_PID, pv1, msh="VXU^V04")
    cover = first(conversion, "Coverage")
    assert cover["type"] == {"coding": [{"code": "V02"}]}
    assert cover["period"] == {"start": "2024-01-01"}
    told = next(one for one in conversion.report.segments if one.id == "PV1").fields
    assert next(one.reason for one in told if one.position == 20) == "there is room for one value"


@pytest.mark.parametrize(
    ("sent", "value", "name"),
    [
        ("HMO1^Blue plan^L", "HMO1", "Blue plan"),
        ("HMO1", "HMO1", "HMO1"),
        ("^Blue", "Blue", "Blue"),
    ],
)
def test_an_insurance_plan_is_known_by_its_code(sent: str, value: str, name: str) -> None:
    conversion = converted(_PID, f"IN1|1|{sent}|C1|Blue Cross", msh="ADT^A01")
    (plan,) = first(conversion, "Coverage")["class"]
    assert (plan["value"], plan["name"]) == (value, name)


@pytest.mark.parametrize(
    "segment",
    [
        'AL1|1||""',
        'NK1|1|""',
        'DG1|1||""|""',
        'PR1|1||""',
        'IN1|1|""|""',
        'IAM|1|""|""',
        'GT1|1||""',
    ],
)
def test_a_list_that_is_sent_empty_makes_nothing(segment: str) -> None:
    before = [d.type for d in converted(_PID, msh="ADT^A31").drafts]
    conversion = converted(_PID, segment, msh="ADT^A31")
    assert [d.type for d in conversion.drafts] == before
    told = next(one for one in conversion.report.segments if one.id == segment[:3])
    assert all(one.reason for one in told.fields)


@pytest.mark.parametrize(
    ("sent", "told"),
    [("880102", None), ("00010101", None), ("19880102", "1988-01-02"), ("198801", "1988-01")],
)
def test_a_year_beyond_reason_is_none(sent: str, told: str | None) -> None:
    made = first(converted(f"PID|1||M1^^^HOSP^MR||DOE^JOHN||{sent}", msh="ADT^A08"), "Patient")
    assert made.get("birthDate") == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [("N|0", False), ("Y|2", 2), ("Y|0", True), ("Y", True), ("|1", 1)],
)
def test_a_birth_order_of_zero_is_none(fields: str, told: bool | int) -> None:
    pid = f"PID|1||M1^^^HOSP^MR||DOE^JOHN{'|' * 19}{fields}"
    made = first(converted(pid, msh="ADT^A08"), "Patient")
    assert [made[name] for name in made if name.startswith("multipleBirth")] == [told]
