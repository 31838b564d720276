"""The parser by what the standard says and what senders do."""

from __future__ import annotations

import pytest

from integrations.hl7v2.message import HD, NotHl7, parse

_MSH = b"MSH|^~\\&|APP^1.2.3^ISO|FAC|RA|RF|20240102030405+0100||ADT^A08^ADT_A01|C1|P|2.5.1"
_PID = b"PID|1||4711^^^HOSP&1.2.3&ISO^MR~99^^^^SS||Doe^Jane||19800101|F"


def test_header() -> None:
    header = parse(_MSH + b"|||AL|NE|DEU|8859/1|||PROFILE^A~OTHER\r").header
    assert (header.control_id, header.type, header.trigger) == ("C1", "ADT", "A08")
    assert header.structure == "ADT_A01"
    assert header.sending_application == HD("APP", "1.2.3", "ISO")
    assert header.sending_facility == HD("FAC")
    assert header.sent == "20240102030405+0100"
    assert (header.accept_ack, header.application_ack, header.country) == ("AL", "NE", "DEU")
    assert header.profiles == ("PROFILE", "OTHER")


@pytest.mark.parametrize(
    ("kind", "structure"),
    [
        ("ADT^A08", "ADT_A01"),
        ("ADT^A34", "ADT_A30"),
        ("SIU^S26", "SIU_S12"),
        ("MDM^T08", "MDM_T02"),
        ("ORU^R01", "ORU_R01"),
        ("ACK", "ACK"),
        ("XYZ^Z01", "XYZ_Z01"),
        ("ADT^A08^OWN_A08", "OWN_A08"),
    ],
)
def test_structure_is_derived_when_it_is_not_sent(kind: str, structure: str) -> None:
    assert parse(f"MSH|^~\\&|||||||{kind}|1|P|2.3\r".encode()).header.structure == structure


@pytest.mark.parametrize("kind", ["ORU_R01", "ORU^R01", "ORU^R01^ORU_R01", "ORU_R01^^ORU_R01"])
def test_the_event_may_be_told_by_the_structure_alone(kind: str) -> None:
    header = parse(f"MSH|^~\\&|||||||{kind}|1|P|2.9\r".encode()).header
    assert (header.type, header.trigger, header.structure) == ("ORU", "R01", "ORU_R01")


def test_fields_repetitions_components_subcomponents() -> None:
    pid = parse(_MSH + b"\r" + _PID + b"\r").first("PID")
    assert pid is not None
    assert [one[1].text for one in pid[3].repetitions] == ["4711", "99"]
    assert pid[3].repetitions[0][4][2].text == "1.2.3"
    assert pid.text("3.4.2") == "1.2.3"
    assert pid.text("3.5", repetition=2) == "SS"
    assert pid.text("5") == "Doe^Jane"
    assert pid.text("99.9.9") == ""
    assert pid[99].repetitions == ()
    assert pid[5][1][7][3].text == ""
    assert len(pid) == 8


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r", b"\n\n"])
def test_segment_ends(end: bytes) -> None:
    message = parse(end.join([_MSH, _PID, b"ZPD|1|a^b", b"PV1|1|I"]))
    assert [one.id for one in message.segments] == ["MSH", "PID", "ZPD", "PV1"]
    assert [one.index for one in message.segments] == [0, 1, 2, 3]


def test_line_feed_in_a_text_is_kept() -> None:
    message = parse(_MSH + b"\rNTE|1||two\nlines\nZPD|1\r")
    assert [one.id for one in message.segments] == ["MSH", "NTE", "ZPD"]
    assert message.segments[1].text("3") == "two\nlines"


def test_null_is_not_empty() -> None:
    pid = parse(_MSH + b'\rPID|1||""||""^Jane\r').first("PID")
    assert pid is not None
    assert pid[3].null
    assert not pid[3].empty
    assert pid[2].empty
    assert not pid[2].null
    assert pid.text("3") == ""
    assert pid[5].repetitions[0][1].null
    assert not pid[5].null


def test_separators_are_the_message_s_own() -> None:
    message = parse(b"MSH*:;!?*APP**RA*RF*2024**ADT:A01*1*P*2.3*\rPID*1**a?b:c;d*!F!!S!\r")
    assert message.header.trigger == "A01"
    pid = message.first("PID")
    assert pid is not None
    assert pid.text("3.1.2") == "b"
    assert pid.text("3", repetition=2) == "d"
    assert pid.text("4") == "*:"


def test_five_encoding_characters() -> None:
    message = parse(b"MSH|^~\\&#|A|B|||2024||ADT^A01|1|P|2.7\rPID|1||x\\P\\y\r")
    assert message.delimiters.truncation == b"#"
    assert message.segments[0].text("2") == "^~\\&#"
    assert message.segments[1].text("3") == "x#y"


def test_a_doubled_backslash_in_msh_2_is_read_as_one() -> None:
    message = parse(b"MSH|^~\\\\&|A|B|||2024||ADT^A01|1|P|2.5\rPID|1||a&b\r")
    assert message.segments[1].text("3.1.2") == "b"
    assert message.delimiters.truncation == b""


@pytest.mark.parametrize("encoding", ["", "^", "^~", "^~\\", "^~&"])
def test_short_msh_2(encoding: str) -> None:
    message = parse(f"MSH|{encoding}|A|B|||2024||ADT^A01|1|P|2.1\rPID|1||a&b^c\r".encode())
    assert message.header.trigger == "A01"
    assert message.segments[1].text("3.1.2") == "b"


@pytest.mark.parametrize("version", ["", "2.1", "2.7.1", "2.8.2", "2.9", "banana"])
def test_any_version(version: str) -> None:
    assert parse(f"MSH|^~\\&|||||||ADT^A01|1|P|{version}\r".encode()).header.version == version


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\x0b", b"\r\n", b" \x00"])
def test_what_stands_before_msh_is_passed_over(before: bytes) -> None:
    message = parse(before + _MSH)
    assert message.header.control_id == "C1"
    assert message.raw == before + _MSH


@pytest.mark.parametrize("raw", [b"", b"hello", b"MSH", b"MSH\r", b"PID|1", b"MSHA", b"\x00"])
def test_what_has_no_msh_is_not_hl7(raw: bytes) -> None:
    with pytest.raises(NotHl7):
        parse(raw)


def test_repr_shows_no_content() -> None:
    message = parse(_MSH + b"\r" + _PID)
    shown = repr(message) + repr(message.segments) + repr(message.segments[1][5])
    assert "Doe" not in shown
    assert "4711" not in shown
