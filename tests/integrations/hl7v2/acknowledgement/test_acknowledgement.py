"""What answers say, in every version, and when they are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.errors import ERRORS, InvalidResource, Issue
from integrations.hl7v2.acknowledgement import (
    Location,
    Problem,
    acknowledge,
    expected,
    problem_of,
    read_acknowledgement,
    recover_control_id,
    wants,
)
from integrations.hl7v2.acknowledgement.problem import condition_codes
from integrations.hl7v2.message import HD, parse

_AT = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
_PROBLEM = Problem("101", "PID-3 is required.", Location("PID", 1, 3))


def _request(version: str = "2.5.1", kind: str = "ADT^A01^ADT_A01", rest: str = "") -> bytes:
    return f"MSH|^~\\&|APP^1.2^ISO|FAC|RA|RF|2024||{kind}|ID1|T|{version}{rest}\rPID|1\r".encode()


def _ack(raw: bytes, *problems: Problem) -> bytes:
    return acknowledge(
        parse(raw), "AE" if problems else "AA", control_id="A1", at=_AT, problems=problems
    )


def test_accepted() -> None:
    answer = _ack(_request())
    assert answer == (
        b"MSH|^~\\&|RA|RF|APP^1.2^ISO|FAC|20260131081500+0000||ACK^A01^ACK|A1|T|2.5.1\rMSA|AA|ID1\r"
    )


def test_error_with_location() -> None:
    answer = parse(_ack(_request(), _PROBLEM, Problem("207", "a|b", severity="W")))
    first, second = answer.all("ERR")
    assert first[2].raw == b"PID^1^3"
    assert first[3].raw == b"101^Required field missing^HL70357"
    assert first.text("4") == "E"
    assert first.text("8") == "PID-3 is required."
    assert (second.text("2"), second.text("4"), second.text("8")) == ("", "W", "a|b")


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.3", "2.3.1", "2.4"])
def test_error_before_2_5(version: str) -> None:
    answer = parse(_ack(_request(version), _PROBLEM, Problem("207", "Later.")))
    (err,) = answer.all("ERR")
    assert err[1].raw == (
        b"PID^1^3^101&Required field missing&HL70357~^^^207&Application error&HL70357"
    )
    msa = answer.first("MSA")
    assert msa is not None
    assert msa.text("3") == "PID-3 is required."
    assert answer.header.version == version


@pytest.mark.parametrize(
    ("version", "kind", "written"),
    [
        ("2.3", "ADT^A01", b"ACK^A01"),
        ("2.4", "ADT^A01", b"ACK^A01^ACK"),
        ("2.1", "ADT", b"ACK"),
        ("", "ADT^A01", b"ACK^A01^ACK"),
    ],
)
def test_message_type(version: str, kind: str, written: bytes) -> None:
    assert parse(_ack(_request(version, kind))).segments[0][9].raw == written


def test_separators_and_character_set_are_the_sender_s() -> None:
    raw = b"MSH*:;!?*M\xfcller*F*RA*RF*2024**ADT:A01*I?1*P*2.5******8859/1\r"
    answer = parse(_ack(raw, _PROBLEM))
    assert answer.delimiters == parse(raw).delimiters
    assert answer.header.receiving_application == HD("Müller")
    assert answer.charset.used == "iso8859_1"
    assert answer.segments[1][2].raw == b"I?1"


def test_a_character_set_that_hides_separators() -> None:
    raw = "MSH|^~\\&|許功蓋|F|||2024||ADT^A01|1|P|2.5||||||BIG-5\r".encode("big5")
    answer = parse(_ack(raw))
    assert answer.header.receiving_application == HD("許功蓋")
    assert answer.charset.used == "big5"


def test_framing_bytes_do_not_come_back() -> None:
    answer = _ack(b"MSH|^~\\&|A\x1c\rB|\x0bF|||2024||ADT^A01|1\x1c|P|2.5\r", _PROBLEM)
    assert b"\x1c" not in answer
    assert b"\x0b" not in answer


@pytest.mark.parametrize(
    ("raw", "control_id"),
    [
        (b"garbage MSH|^~\\&|A|B|||2024||ADT^A01|ID9|P|2.5\rPID", "ID9"),
        (b"MSH|^~\\&|A|B|||2024||ADT^A01|ID9", "ID9"),
        (b"MSH", ""),
        (b"", ""),
        (b"PID|1", ""),
        ("MSH|^~\\&|A|B|||2024||ADT^A01|ID9|P|2.5\r".encode("utf_16_le"), "ID9"),
        (b"MSH|^~\\&|A\nB|||2024||ADT^A01|ID9", ""),
    ],
)
def test_control_id_of_what_cannot_be_read(raw: bytes, control_id: str) -> None:
    assert recover_control_id(raw) == control_id
    answer = acknowledge(raw, "AR", control_id="A1", at=_AT, problems=(_PROBLEM,))
    assert read_acknowledgement(answer).control_id == control_id


@given(st.binary(max_size=120), st.sampled_from([b"", b"MSH|^~\\&|A|B|||", b"MSH|", b"x\rMSH|^"]))
def test_whatever_came_is_answered(tail: bytes, head: bytes) -> None:
    answer = acknowledge(head + tail, "AR", control_id="A1", at=_AT, problems=(_PROBLEM,))
    assert b"\x1c" not in answer
    read = parse(answer)
    assert read.header.type == "ACK"
    assert read.all("MSA")[0].text("1") == "AR"


@given(
    st.integers(0, 8),
    st.lists(
        st.builds(
            Problem,
            st.sampled_from(sorted(condition_codes())),
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.isascii),
            st.builds(Location, st.just("PID"), st.integers(1, 9), st.integers(1, 99)),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_what_is_written_is_read(minor: int, problems: list[Problem]) -> None:
    read = read_acknowledgement(_ack(_request(f"2.{minor}"), *problems))
    assert read.code == "AE"
    assert read.control_id == "ID1"
    assert [one.location for one in read.problems] == [one.location for one in problems]
    assert [one.code for one in read.problems] == [one.code for one in problems]
    if minor >= 5:
        assert read.problems == tuple(problems)


@pytest.mark.parametrize(
    ("rest", "mode", "enhanced", "accept", "application"),
    [
        ("", "auto", False, "NE", "AL"),
        ("|||AL|NE", "auto", True, "AL", "NE"),
        ("|||er|SU", "auto", True, "ER", "SU"),
        ("||||AL", "auto", True, "NE", "AL"),
        ("|||AL", "auto", True, "AL", "NE"),
        ("|||yes|NE", "auto", True, "AL", "NE"),
        ("|||AL|AL", "original", False, "NE", "AL"),
        ("", "enhanced", True, "AL", "NE"),
    ],
)
def test_expectation(rest: str, mode: str, enhanced: bool, accept: str, application: str) -> None:
    found = expected(parse(_request(rest=rest)).header, mode)  # type: ignore[arg-type]
    assert (found.enhanced, found.accept, found.application) == (enhanced, accept, application)


def test_an_acknowledgement_is_not_acknowledged() -> None:
    found = expected(parse(_request(kind="ACK", rest="|||AL|AL")).header)
    assert (found.accept, found.application) == ("NE", "NE")


@pytest.mark.parametrize(
    ("condition", "after_success", "after_failure"),
    [("AL", True, True), ("NE", False, False), ("ER", False, True), ("SU", True, False)],
)
def test_conditions(condition: str, after_success: bool, after_failure: bool) -> None:
    assert wants(condition, success=True) is after_success  # type: ignore[arg-type]
    assert wants(condition, success=False) is after_failure  # type: ignore[arg-type]


def test_errors_of_the_tree_become_problems() -> None:
    error = InvalidResource("x", issues=(Issue("invariant", "A."), Issue("x", "B.", "warning")))
    assert problem_of(error, Location("PID")) == (
        Problem("102", "A.", Location("PID"), "E"),
        Problem("102", "B.", Location("PID"), "W"),
    )
    assert {one.condition for one in ERRORS} <= set(condition_codes())
