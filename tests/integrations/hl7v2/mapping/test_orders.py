"""Orders: which segments are one, which are orders of their own, and what they are known by."""

from __future__ import annotations

import pytest

from integrations.hl7v2.mapping.actions import Cancel
from tests.integrations.hl7v2.conversions import converted, first, resources

_PID = "PID|1||M1^^^HOSP^MR||DOE^JANE"
_ORC = "ORC|NW|77^CPOE||G1|||||20240102030405|||D1^Hess^Verena"
_THREE = (
    _PID, _ORC, "OBR|1|77^CPOE||COR^Cortisol^99LAB", "NTE|1||fasting",
    "OBR|2|77^CPOE||CU^Copper^99LAB", "OBR|3|77^CPOE||TG^Thyroglobulin^99LAB",
)  # fmt: skip


def test_each_obr_under_one_orc_is_an_order() -> None:
    conversion = converted(*_THREE, msh="ORM^O01")
    orders = resources(conversion, "ServiceRequest")
    assert [one["code"]["coding"][0]["code"] for one in orders] == ["COR", "CU", "TG"]
    for one in orders:
        assert one["status"] == "active"
        assert one["authoredOn"] == "2024-01-02T03:04:05+01:00"
        assert one["requisition"]["value"] == "G1"
        assert "requester" in one
    assert [one.get("note") for one in orders] == [[{"text": "fasting"}], None, None]


def test_orders_of_one_number_have_identities_of_their_own() -> None:
    conversion = converted(*_THREE, msh="ORM^O01")
    names = [d.identities[0] for d in conversion.drafts if d.type == "ServiceRequest"]
    assert names[0] == ("urn:aimed:hl7v2:CPOE", "77")
    assert len(set(names)) == 3


def test_a_number_that_an_obr_has_alone_is_its_own() -> None:
    conversion = converted(_PID, "ORC|NW|77", "OBR|1|77||A^a^L", "OBR|2|78||B^b^L", msh="ORM^O01")
    names = [d.identities[0][1] for d in conversion.drafts if d.type == "ServiceRequest"]
    assert names == ["77", "78"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("G1^CPOE", [("PGN", "urn:aimed:hl7v2:CPOE", "G1")]),
        ("G1", [("PGN", "urn:aimed:hl7v2:facility:HOSP", "G1")]),
        ("G1&CPOE^G2&LAB",
         [("PLAC", "urn:aimed:hl7v2:CPOE", "G1"), ("FILL", "urn:aimed:hl7v2:LAB", "G2")]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("msh", ["ORU^R01", "VXU^V04"])
def test_the_authority_of_a_group_number_is_no_number(
    sent: str, expected: list[tuple[str, str, str]], msh: str
) -> None:
    rest = ("OBR|1||F1^LAB|A^a^L",) if msh == "ORU^R01" else ("RXA|0|1|20240101||03^MMR^CVX|1",)
    conversion = converted(_PID, f"ORC|RE||F1^LAB|{sent}", *rest, msh=msh)
    made = first(conversion, "DiagnosticReport" if msh == "ORU^R01" else "Immunization")
    told = [
        (one["type"]["coding"][0]["code"], one["system"], one["value"])
        for one in made["identifier"]
    ]
    assert [one for one in told if one[2] != "F1"] == expected


def test_a_group_number_is_no_identity() -> None:
    vaccines = [
        part
        for code in ("03", "08")
        for part in ("ORC|RE|||G1^CPOE", f"RXA|0|1|20240101||{code}^x^CVX|1")
    ]
    conversion = converted(_PID, *vaccines, msh="VXU^V04")
    assert [d.identities for d in conversion.drafts if d.type == "Immunization"].count(()) == 0
    names = {d.identities[0] for d in conversion.drafts if d.type == "Immunization"}
    assert len(names) == 2


def test_a_cancelled_request_cancels_what_stands_under_it() -> None:
    conversion = converted(_PID, "ORC|CA|77", "OBR|1|77||A^a^L", "OBR|2|77||B^b^L", msh="ORM^O01")
    orders = {d.key for d in conversion.drafts if d.type == "ServiceRequest"}
    assert len(orders) == 2
    assert {getattr(one, "key", "") for one in conversion.actions} == orders


def test_panels_of_one_order_do_not_become_each_other() -> None:
    conversion = converted(
        _PID, "ORC|RE|77|F1", "OBR|1|77|F1|CBC^Count^L", "OBX|1|NM|W^w^L||1",
        "OBR|2|77|F1|DIF^Differential^L", "OBX|1|NM|N^n^L||2", msh="ORU^R01",
    )  # fmt: skip
    names = [d.identities[0] for d in conversion.drafts if d.type == "ServiceRequest"]
    assert len(set(names)) == len(names) == 2


def test_several_medications_under_one_orc() -> None:
    conversion = converted(
        _PID, "ORC|NW|9", "RXE||A^Aspirin^L|1||TAB", "RXR|PO", "RXE||B^Bisoprolol^L|2||TAB",
        msh="RDE^O11",
    )  # fmt: skip
    told = resources(conversion, "MedicationRequest")
    codes = [one["medicationCodeableConcept"]["coding"][0]["code"] for one in told]
    assert codes == ["A", "B"]


def test_a_number_that_orc_and_obr_repeat_is_one_identifier() -> None:
    for number in ("5^CPOE", "5"):
        order = first(
            converted(_PID, f"ORC|NW|{number}", f"OBR|1|{number}||A^a^L", msh="ORM^O01"),
            "ServiceRequest",
        )
        assert [one["value"] for one in order["identifier"]] == ["5"]


def test_what_tells_no_time_of_its_own_is_as_new_as_its_message() -> None:
    """Never as new as its arrival: a message that comes late has no more say for it."""
    conversion = converted(
        _PID, "ORC|NW|9|||||||20240101|||D1^Hess", "RXE||A^Aspirin^L|1||TAB", msh="RDE^O11"
    )
    moments = {d.type: d.moment for d in conversion.drafts}
    assert moments["MedicationRequest"] == "2024-01-01"
    assert moments["Practitioner"] == "2024-01-02T03:04:05+01:00"


def test_a_dose_that_runs_backwards_is_left_out_and_told() -> None:
    conversion = converted(
        _PID, "ORC|NW|9", "RXE||A^Aspirin^L|500|100|mg" + "|" * 14 + "X", msh="RDE^O11"
    )
    told = first(conversion, "MedicationRequest")
    assert not any("doseAndRate" in one for one in told["dosageInstruction"])
    assert not any("maxDosePerPeriod" in one for one in told["dosageInstruction"])
    assert any("least amount" in one for one in conversion.report.notes)


def test_a_comment_without_a_text_is_none() -> None:
    conversion = converted(
        _PID, "ORC|NW|9", "OBR|1|9||A^a^L", 'NTE|1|L|""', "NTE|2|L|||D1^Hess", msh="ORM^O01"
    )
    assert "note" not in first(conversion, "ServiceRequest")


def test_a_document_whose_number_is_a_universal_id_is_known_by_it() -> None:
    txa = "TXA|1|CN||20240101||||||||^^12345|||||AU"
    (document,) = (d for d in converted(_PID, txa, msh="MDM^T02").drafts
                   if d.type == "DocumentReference")  # fmt: skip
    assert document.identities == (("urn:aimed:hl7v2:facility:HOSP", "12345"),)


def test_a_referral_without_rf1_is_one() -> None:
    conversion = converted(
        "PRD|RP|Flanagan^Roisin|||||78901^IRL^IMC", "PRD|RT|Healy^Tadhg|||||23456^IRL^IMC", _PID,
        "DG1|1||R10.4^Pain^I10", "NTE|1||acute pain", msh="REF^I12",
    )  # fmt: skip
    (referral,) = resources(conversion, "ServiceRequest")
    assert (referral["status"], referral["intent"]) == ("active", "order")
    assert referral["subject"] == {"reference": "draft:Patient"}
    assert referral["note"] == [{"text": "acute pain"}]
    assert {"requester", "performer", "reasonReference"} <= referral.keys()


def test_orc_before_obr_of_a_referral_is_the_same_order() -> None:
    conversion = converted(
        "RF1|A|R", _PID, "ORC|RE|7", "OBR|1|7||REF^Referral", "OBX|1|ST|A^a||x", msh="REF^I12"
    )
    orders = [one for one in resources(conversion, "ServiceRequest") if "code" in one]
    assert len(orders) == 1
    assert [o["value"] for o in orders[0]["identifier"]] == ["7"]


def test_codes_of_the_immunization_registries_have_their_systems() -> None:
    conversion = converted(
        _PID, "ORC|RE||F1^LAB", "RXA|0|1|20240101||03^MMR^CVX|1", "RXR|C28161^Intramuscular^NCIT",
        msh="VXU^V04",
    )  # fmt: skip
    route = first(conversion, "Immunization")["route"]["coding"][0]
    assert route["system"] == "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"


def test_dose_timing_and_route_are_one_instruction() -> None:
    rxe = "RXE||723^Amoxicillin^RXNORM|500||mg"
    timings = ["TQ1|1||BID||||20240102", "TQ1|2||Q6H||||20240109"]
    for sent in (timings[:1], timings):
        conversion = converted(
            _PID, "ORC|NW|9", rxe, *sent, "RXR|PO^Oral^HL70162", msh="RDE^O11"
        )  # fmt: skip
        told = first(conversion, "MedicationRequest")["dosageInstruction"]
        names = [sorted(one) for one in told]
        assert names == [["doseAndRate", "route", "timing"]] * len(sent)


def test_the_begin_of_a_dose_is_that_of_its_timings() -> None:
    conversion = converted(
        _PID, "ORC|NW|9", "RXE|^^^20240102|723^Amoxicillin^RXNORM|500||mg||^With food~^No sun",
        "TQ1|1||BID", "TQ1|2||QHS||||20240109", msh="RDE^O11",
    )  # fmt: skip
    told = first(conversion, "MedicationRequest")["dosageInstruction"]
    begins = [one["timing"]["repeat"]["boundsPeriod"]["start"] for one in told]
    assert begins == ["2024-01-02", "2024-01-09"]
    for one in told:
        assert one["doseAndRate"][0]["doseQuantity"]["value"] == 500
        assert one["additionalInstruction"] == [{"text": "With food"}, {"text": "No sun"}]


def test_a_timing_that_is_told_twice_is_one() -> None:
    conversion = converted(
        _PID, "ORC|NW|9|||||^BID^D5^20240101^20240106",
        "RXE|1^BID^D5^20240101^20240106|723^Amoxicillin^RXNORM|500||mg", msh="RDE^O11",
    )  # fmt: skip
    (told,) = first(conversion, "MedicationRequest")["dosageInstruction"]
    assert {"timing", "doseAndRate"} <= told.keys()


def test_the_rate_of_an_infusion() -> None:
    rxe = f"RXE||313002^NaCl^RXNORM|1000||mL{'|' * 18}125|mL/h^^UCUM"
    rxo = f"RXO|313002^NaCl^RXNORM|1000||mL{'|' * 17}125|mL/h^^UCUM"
    for sent, msh in ((rxe, "RDE^O11"), (rxo, "OMP^O09")):
        conversion = converted(_PID, "ORC|NW|9", sent, msh=msh)
        (told,) = first(conversion, "MedicationRequest")["dosageInstruction"]
        (dose,) = told["doseAndRate"]
        assert (dose["rateQuantity"]["value"], dose["rateQuantity"]["unit"]) == (125, "mL/h")
        assert dose["doseQuantity"]["value"] == 1000


def test_an_acknowledgement_is_no_gap_in_the_mapping() -> None:
    conversion = converted("MSA|AA|7", _PID, "ORC|OK|9", "OBR|1|9||A^a^L", msh="ORL^O22")
    assert conversion.report.segments[1].outcome == "ignored"


@pytest.mark.parametrize("code", ["PY", "AJ", "CO"])
def test_a_payment_is_no_charge(code: str) -> None:
    conversion = converted(_PID, f"FT1|1|T1||20240101||{code}|PAY^Payment^L", msh="DFT^P03")
    assert not resources(conversion, "ChargeItem")
    line = next(one for one in conversion.report.segments if one.id == "FT1")
    assert (line.outcome, line.reason) == ("ignored", "a payment or an adjustment is no charge")


@pytest.mark.parametrize(("code", "status"), [("CG", "billable"), ("CD", "not-billable")])
def test_a_credit_is_not_billed(code: str, status: str) -> None:
    conversion = converted(_PID, f"FT1|1|T1||20240101||{code}|C^c^L", msh="DFT^P03")
    assert first(conversion, "ChargeItem")["status"] == status


@pytest.mark.parametrize(
    ("control", "state", "service", "medication"),
    [("NW", "", "active", "active"), ("SN", "", "active", "active"),
     ("CA", "", "active", "cancelled"),
     ("HD", "", "on-hold", "on-hold"), ("OH", "", "on-hold", "on-hold"),
     ("RL", "", "active", "active"),
     ("OE", "", "active", "active"), ("UR", "", "on-hold", "on-hold"),
     ("UC", "", "active", "active"),
     ("DC", "", "revoked", "stopped"), ("RU", "", "revoked", "stopped"),
     ("UA", "", "revoked", "cancelled"), ("XX", "", "active", "active"),
     ("SC", "CM", "completed", "completed"), ("SC", "A", "active", "active"),
     ("NW", "HD", "on-hold", "on-hold"), ("HD", "IP", "active", "active"),
     ("NW", "QQ", "active", "active")],
)  # fmt: skip
def test_the_state_of_an_order(control: str, state: str, service: str, medication: str) -> None:
    orc = f"ORC|{control}|9^CPOE|||{state}"
    made = converted(_PID, orc, "OBR|1|9^CPOE||A^a^L", msh="OML^O21")
    assert first(made, "ServiceRequest")["status"] == service
    made = converted(_PID, orc, "RXE||723^Amoxicillin^RXNORM|500||mg", msh="RDE^O11")
    assert first(made, "MedicationRequest")["status"] == medication


def test_what_could_not_be_cancelled_goes_on() -> None:
    assert not converted(_PID, "ORC|UC|9", "OBR|1|9||A^a^L", msh="ORR^O02").actions


def test_observations_of_a_problem_and_of_its_goal() -> None:
    conversion = converted(
        _PID, "PRB|AD|20240101|I10^Hypertension^I10|P1", "OBX|1|NM|8480-6^S^LN||150|mm[Hg]|||||F",
        "GOL|AD|20240101|BP^Control^L|G1", "OBX|1|NM|8480-6^S^LN||130|mm[Hg]|||||F",
        "NTE|1||seated", msh="PPR^PC1",
    )  # fmt: skip
    evidence = first(conversion, "Condition")["evidence"]
    assert evidence == [{"detail": [{"reference": "draft:Observation"}]}]
    assert first(conversion, "Goal")["outcomeReference"] == [{"reference": "draft:Observation[2]"}]
    told = [one.get("note") for one in resources(conversion, "Observation")]
    assert told == [None, [{"text": "seated"}]]


def test_when_a_document_was_signed() -> None:
    txa = f"TXA|1|CN|TX{'|' * 9}D1{'|' * 10}A1^Author^An{'^' * 12}20240102101112+0100"
    made = first(converted(_PID, txa, msh="MDM^T02"), "DocumentReference")
    assert made["extension"] == [
        {"url": "urn:aimed:hl7v2:authenticated", "valueDateTime": "2024-01-02T10:11:12+01:00"}
    ]


@pytest.mark.parametrize(("control", "status"), [("NW", "active"), ("DC", "cancelled")])
def test_a_medication_ordered_by_orm_is_as_its_order_says(control: str, status: str) -> None:
    orc = f"ORC|{control}|9^CPOE{'|' * 7}20240102030405|||D1^Hess^Verena"
    conversion = converted(_PID, orc, "RXO|723^Amoxicillin^RXNORM|500||mg", msh="ORM^O01")
    order = first(conversion, "MedicationRequest")
    assert order["status"] == status
    assert order["identifier"][0]["value"] == "9"
    assert order["authoredOn"] == "2024-01-02T03:04:05+01:00"
    assert order["requester"] == first(conversion, "ServiceRequest")["requester"]
    cancelled = {one.key for one in conversion.actions if isinstance(one, Cancel)}
    assert ("MedicationRequest" in cancelled) == (control == "DC")


def test_a_contact_is_that_of_the_provider_before_it() -> None:
    conversion = converted(
        "RF1|A", "PRD|RP|A^A", "CTD|PC||||^WPN^PH^^^555^1111", "PRD|RT|B^B",
        "CTD|PC||||^WPN^PH^^^555^2222", _PID, msh="REF^I12",
    )  # fmt: skip
    roles = resources(conversion, "PractitionerRole")
    assert [one["telecom"][0]["value"] for one in roles] == ["555 1111", "555 2222"]


def test_a_remark_on_a_vaccination_is_kept_apart_from_those_on_its_observations() -> None:
    conversion = converted(
        _PID, "RXA|0|1|20240101||03^MMR^CVX|1", "NTE|1||sore arm", "RXR|IM^x^HL70162",
        "OBX|1|CE|59783-1^Status^LN||1^a^L||||||F", "NTE|1||of the result", msh="VXU^V04",
    )  # fmt: skip
    made = first(conversion, "Immunization")
    assert made["note"] == [{"text": "sore arm"}]
    assert "route" in made
    assert first(conversion, "Observation")["note"] == [{"text": "of the result"}]


def test_every_modifier_of_a_charge_keeps_its_code() -> None:
    ft1 = f"FT1|1|||20240101||CG|99213^Visit^C4{'|' * 19}25^Separate^C4~59"
    made = first(converted(_PID, ft1, msh="DFT^P03"), "ChargeItem")
    codes = [one["valueCodeableConcept"]["coding"][0]["code"] for one in made["extension"]]
    assert codes == ["25", "59"]
