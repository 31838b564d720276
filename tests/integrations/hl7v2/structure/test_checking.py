"""What is found in messages, by code and place: wrong ones, right ones, and the samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

import pytest

from integrations.hl7v2.acknowledgement import Location, Problem, acknowledge
from integrations.hl7v2.structure.checking import check
from tests.integrations.hl7v2.conversions import DATA, NAMES

EVN, PID, PV1 = "EVN||20240102", "PID|1||4711^^^HOSP^MR||Doe^Jane", "PV1|1|I"
OBR, OBX = "OBR|1|||1554-5^GLUCOSE^LN", "OBX|1|NM|1554-5^GLUCOSE^LN||182|mg/dl|70-105|H|||F"
ORC, SPM = "ORC|NW|1", "SPM|1|||SER"


def raw(
    *segments: str, kind: str = "ADT^A08^ADT_A01", version: str = "2.5.1", rest: str = ""
) -> bytes:
    head = f"MSH|^~\\&|APP|FAC|RA|RF|20240102||{kind}|C1|P|{version}{rest}"
    return "\r".join((head, *segments, "")).encode()


def adt(*more: str, version: str = "2.5.1", rest: str = "") -> bytes:
    return raw(EVN, PID, PV1, *more, version=version, rest=rest)


def oru(*segments: str, version: str = "2.5.1") -> bytes:
    return raw(*segments, kind="ORU^R01^ORU_R01", version=version)


def told(message: bytes) -> list[tuple[str, str]]:
    return [(one.code, _place(one.location)) for one in check(message).findings]


def _place(at: Location | None) -> str:
    if at is None:
        return ""
    numbers = (at.field, at.repetition, at.component, at.subcomponent)
    return f"{at.segment}[{at.sequence}]" + "".join(f".{one}" for one in numbers if one)


ORDER = [
    (raw(PID, PV1), [("100", "EVN[1]")]),
    (adt("PID|1||1^^^HOSP||Doe"), [("100", "PID[2]")]),
    (adt("PV1|2|I"), [("100", "PV1[2]")]),
    (
        adt("SCH|1"),
        [("100", "SCH[1]"), ("101", "SCH[1].6"), ("101", "SCH[1].16"), ("101", "SCH[1].20")],
    ),
    (oru(PID, ORC), [("100", "OBR[1]")]),
    (oru(PID, OBX), [("100", "OBR[1]")]),
    (oru(PID, "PV2|1", OBR, OBX), [("100", "PV1[1]")]),
    (oru(PID, OBR, OBX, SPM, "NTE|1||late"), [("100", "NTE[1]")]),
    (raw(PID, kind="ORM^O01^ORM_O01"), [("100", "ORC[1]")]),
    (raw(EVN, "ZZZ|1", PID, PV1), []),
    (oru(PID, OBR, OBX, "ZZZ|1", OBX, OBR, OBX, OBX), []),
]
FIELDS = [
    (raw("EVN", PID, PV1), [("101", "EVN[1].2")]),
    (raw(EVN, "PID|1||||Doe", PV1), [("101", "PID[1].3")]),
    (raw(EVN, PID + "||20240230", PV1), [("102", "PID[1].7.1.1")]),
    (raw(EVN, PID + "||20240229~20240228", PV1), [("102", "PID[1].7")]),
    (raw(EVN, PID + '||""||""', PV1), []),
    (raw(EVN, PID + "|" * 20 + "Y", PV1), [("102", "PID[1].25.1")]),
    (raw(EVN, PID + "|" * 34 + "x", PV1), []),
    (raw(EVN, PID + "|" * 35 + "x", PV1), [("102", "PID[1].40")]),
    (raw(EVN, PID, "PV1|1|I^inpatient"), [("102", "PV1[1].2.1")]),
    (raw(EVN, PID, "PV1|1|ABCDEFGHIJKLMNOPQRSTU"), [("104", "PV1[1].2.1")]),
    (adt("AL1|1|DA|1^x^L^^^^too many"), [("102", "AL1[1].3.1")]),
    (oru(PID, OBR, OBX.replace("182", "1e2")), [("102", "OBX[1].5.1")]),
    (oru(PID, OBR, OBX.replace("182", "-.5 ")), []),
    (oru(PID, OBR, OBX, OBX.replace("|NM|", "||")), [("101", "OBX[2].2")]),
    (oru(PID, OBR, OBX.replace("|NM|", "|QQ|")), [("103", "OBX[1].2")]),
    (oru(PID, OBR, OBX[:-1] + "Q"), [("103", "OBX[1].11.1")]),
    (oru(PID, OBR, OBX.replace("|NM|", "|ST|").replace("182", "x" * 500)), []),
    (oru(PID, OBR, OBX.replace("|NM|", "|ST|").replace("182", "a&b")), [("102", "OBX[1].5.1")]),
]
VERSIONS = [
    (adt(version="9.9"), [("203", "MSH[1].12")]),
    (raw(PID, kind="ADT^A99"), [("201", "MSH[1].9.1.2")]),
    (raw(PID, "QQQ|1", kind="ZDT^Z01"), [("100", "QQQ[1]")]),
    (raw(EVN, PID + "|" * 36 + "x", PV1, "XYZ|1", version="2.9"), []),
    (raw(EVN, "PID|1||4711^^^HOSP||Doe", PV1, version="2.9"), [("101", "PID[1].3.1.5")]),
    (raw(EVN, PID + "|" * 35 + "x", PV1, "PRT|1", rest="|||||||||GUIDE"), []),
    (raw(EVN, PV1, rest="|||||||||GUIDE"), [("100", "PID[1]")]),
    (raw(EVN, "PID|1||4711^^^HOSP||Doe", PV1, version="2.7"), [("101", "PID[1].3.1.5")]),
    (raw(EVN, PID, PV1, kind="ADT^A28", version="2.3.1"), []),
    (raw(EVN, PID, kind="ADT^A28", version="2.3.1"), [("100", "PV1[1]")]),
    (raw(PID, kind="ORM^O01^ORM_O01", version="2.8"), []),
    (b"nonsense", [("100", "MSH[1]")]),
]


@pytest.mark.parametrize(("message", "expected"), [*ORDER, *FIELDS, *VERSIONS])
def test_findings(message: bytes, expected: list[tuple[str, str]]) -> None:
    assert told(message) == expected


def test_a_finding_says_nothing_of_the_patient() -> None:
    message = raw(EVN, "PID|1||4711^^^HOSP^MR||Doe^Jane||Tuesday^&Everyman^x", PV1)
    for one in check(message).findings:
        assert not any(part in one.text for part in ("Tuesday", "Everyman", "Doe", "4711"))


def test_orders_with_specimens_are_orders_and_no_prior_results() -> None:
    order = ("ORC|NW|1", OBR, SPM)
    assert told(raw(PID, *order, *order, kind="OML^O21^OML_O21")) == []
    prior = ("PID|1||4711^^^HOSP^MR||Doe", ORC, OBR, OBX)
    assert told(raw(PID, *order, *prior, *order, kind="OML^O21^OML_O21")) == []
    assert told(raw(PID, *order, *order, SPM, ORC, OBX, kind="OML^O21^OML_O21")) == [
        ("100", "OBR[3]")
    ]


@pytest.mark.parametrize("version", ["2.2", "2.3", "2.3.1", "2.4", "2.5", "2.6", "2.7", "2.8.2"])
def test_our_own_acknowledgements_are_well_formed(version: str) -> None:
    problem = Problem("101", "PID-3 is required.", Location("PID", 1, 3))
    answer = acknowledge(
        adt(version=version),
        "AE",
        control_id="1",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        problems=(problem,),
    )
    assert told(answer) == []


@pytest.fixture(scope="module")
def samples() -> Iterator[dict[str, list[Problem]]]:
    return {name: list(check((DATA / name).read_bytes()).findings) for name in NAMES}


def test_samples(samples: dict[str, list[Problem]]) -> None:
    """The rest deviates from its version; `known.json` says what is let pass, and why."""
    clean = [name for name, found in samples.items() if not found]
    assert (len(samples), len(clean)) == (146, 43)
    texts = {one.text for found in samples.values() for one in found}
    assert not texts & {"OBX-4 is required.", "RXA-4 is required.", "PRT-2 is not in table 0287."}


def test_whatever_comes_has_an_answer() -> None:
    """Samples with pieces struck out, doubled, and put in."""
    chance = Random(7)
    for name in chance.sample(NAMES, 60):
        content = bytearray((DATA / name).read_bytes())
        for _ in range(12):
            at = chance.randrange(len(content))
            start = chance.randrange(len(content))
            content[at : at + chance.randrange(40)] = content[start : start + chance.randrange(60)]
            content[at:at] = bytes(chance.choices(b'|^~&\\\r"\xff', k=3))
        assert check(bytes(content)).document()["findings"] is not None
