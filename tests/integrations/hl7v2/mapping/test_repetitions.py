"""What a message says several times: lines of one text are one, results of one code are several."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.hl7v2.mapping.report import Outcome
from tests.integrations.hl7v2.conversions import NAMES, converted, resources, sample

_PID = "PID|1||M1^^^HOSP^MR||DOE^JOHN"
_OBR = "OBR|1|P1^EHR|F1^LAB|CT^CT chest^L|||20240101110000|||||||||||||||20240101120000||RAD|F"
_ONCE = frozenset(("Observation", "MedicationAdministration", "MedicationDispense", "Immunization"))


def _results(*segments: str) -> list[dict[str, Any]]:
    return resources(converted(_PID, _OBR, *segments, msh="ORU^R01"), "Observation")


def test_the_lines_of_a_text_are_one_result() -> None:
    conversion = converted(
        _PID, _OBR, "OBX|1|TX|CT^CT chest^L||FINDINGS||||||F", "OBX|2|TX|CT^CT chest^L||||||||F",
        "OBX|3|TX|CT^CT chest^L||Clear~lungs.||||||F", "NTE|1||seen by two", msh="ORU^R01",
    )  # fmt: skip
    (one,) = resources(conversion, "Observation")
    assert one["valueString"] == "FINDINGS\n\nClear\nlungs."
    assert one["note"] == [{"text": "seen by two"}]
    told = [s for s in conversion.report.segments if s.id == "OBX"]
    assert [s.outcome for s in told] == [Outcome.MAPPED] * 3
    assert {f.outcome for f in told[2].fields if f.position in (3, 5, 11)} == {Outcome.MAPPED}


@pytest.mark.parametrize(
    "second",
    [
        "OBX|2|TX|CT^CT chest^L|2|b||||||F", "OBX|2|TX|IMP^Impression^L||b||||||F",
        "OBX|2|TX|CT^CT chest^L||b||||||C", "OBX|2|ST|CT^CT chest^L||b||||||F",
    ],
)  # fmt: skip
def test_another_text_is_another_result(second: str) -> None:
    found = _results("OBX|1|TX|CT^CT chest^L||a||||||F", second)
    assert [one["valueString"] for one in found] == ["a", "b"]


def test_results_of_one_code_are_kept_apart_and_are_the_same_ones_when_sent_again() -> None:
    def identities(status: str) -> list[tuple[str, str]]:
        conversion = converted(
            _PID, _OBR, *(f"OBX|{n}|ST|ORG^Organism^L||{text}||||||{status}"
                          for n, text in enumerate(("E. coli", "Proteus", "Candida"), 1)),
            msh="ORU^R01",
        )  # fmt: skip
        return [d.identities[0] for d in conversion.drafts if d.type == "Observation"]

    assert len(set(identities("P"))) == 3
    assert identities("P") == identities("F")


def test_a_part_of_a_report_is_told_by_its_suffix() -> None:
    """OBX-3 `24627-2&IMP`: the impression, beside the body under the same code."""
    found = _results(
        "OBX|1|TX|24627-2&BODY^CT^LN||a||||||F", "OBX|2|TX|24627-2&IMP^CT^LN||b||||||F"
    )
    assert [[c["code"] for c in one["code"]["coding"]] for one in found] == [
        ["24627-2", "BODY"],
        ["24627-2", "IMP"],
    ]


def test_two_drugs_of_one_administration() -> None:
    conversion = converted(
        _PID, "ORC|RE|77", "RXA|0|1|20240101||A^a^L|1|TAB", "RXA|0|1|20240101||B^b^L|2|TAB",
        msh="RAS^O17",
    )  # fmt: skip
    given = [d for d in conversion.drafts if d.type == "MedicationAdministration"]
    assert len({d.identities[0] for d in given}) == 2


def test_vaccines_of_one_filler_number() -> None:
    conversion = converted(
        _PID, "ORC|RE||9^IIS", "RXA|0|1|20240101||03^MMR^CVX|1", "ORC|RE||9^IIS",
        "RXA|0|1|20240101||21^Varicella^CVX|1", msh="VXU^V04",
    )  # fmt: skip
    given = [d.identities[0] for d in conversion.drafts if d.type == "Immunization"]
    assert given[0] == ("urn:aimed:hl7v2:IIS", "9")
    assert len(set(given)) == 2


def test_participants_are_known_by_who_they_are() -> None:
    """PRT-1 counts the participants of a message: 1 is another doctor in the next one."""

    def role(doctor: str) -> tuple[str, str]:
        prt = f"PRT|1|AD||RCT^Results copies to^HL70912|{doctor}^Doe^Jo"
        conversion = converted(_PID, _OBR, prt, msh="ORU^R01")
        return next(d.identities[0] for d in conversion.drafts if d.type == "PractitionerRole"
                    and d.identities)  # fmt: skip

    assert role("D1") != role("D2")
    assert role("D1") == role("D1")


@pytest.mark.parametrize("name", NAMES)
def test_no_result_of_a_sample_takes_the_place_of_another(name: str) -> None:
    drafts = [d for d in sample(name).drafts if d.type in _ONCE and d.identities]
    names = [(d.type, d.identities[0]) for d in drafts]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("msh", "segments", "id", "position", "told"),
    [
        ("VXU^V04", ("RXA|0|1|20240101||03^MMR^CVX|1" + "|" * 9 + "LOT1~LOT2",), "RXA", 15,
         "there is room for one value"),
        ("VXU^V04", ("RXA|0|1|20240101||03^MMR^CVX|1" + "|" * 9 + "LOT1~",), "RXA", 15, ""),
        ("ADT^A01", ("NK1|1|DOE^A~ROE^A|SPO",), "NK1", 2, ""),
    ],
)  # fmt: skip
def test_what_has_room_for_one_value_names_the_others(
    msh: str, segments: tuple[str, ...], id: str, position: int, told: str
) -> None:
    report = converted(_PID, *segments, msh=msh).report
    segment = next(one for one in report.segments if one.id == id)
    field = next(one for one in segment.fields if one.position == position)
    assert (field.outcome, field.reason) == (Outcome.MAPPED, told)
