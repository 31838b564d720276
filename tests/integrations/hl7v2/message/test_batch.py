"""Batch files."""

from __future__ import annotations

from integrations.hl7v2.message import parse
from integrations.hl7v2.message.batch import is_batch, read_batch

_ONE = b"MSH|^~\\&|A|B|||2024||ADT^A01|1|P|2.5\rPID|1\r"
_TWO = b"MSH|^~\\&|A|B|||2024||ADT^A08|2|P|2.5\rPID|2\r"
_FILE = b"FHS|^~\\&|A\rBHS|^~\\&|A||||||||b1\r" + _ONE + _TWO + b"BTS|2\rFTS|1\r"


def test_file() -> None:
    found = read_batch(_FILE)
    assert list(found.messages) == [_ONE, _TWO]
    assert found.batches[0].declared == 2
    assert found.batches[0].control_id == "b1"
    assert found.header == b"FHS|^~\\&|A\r"
    assert found.problems == ()
    assert is_batch(_FILE)


def test_counts_that_do_not_add_up_are_told() -> None:
    found = read_batch(_FILE.replace(b"BTS|2", b"BTS|5").replace(b"FTS|1", b"FTS|3"))
    assert len(found.problems) == 2
    assert list(found.messages) == [_ONE, _TWO]


def test_a_file_that_is_cut_short() -> None:
    found = read_batch(_FILE[: _FILE.index(b"BTS")])
    assert len(found.problems) == 2
    assert list(found.messages) == [_ONE, _TWO]


def test_messages_alone_and_between_framing() -> None:
    assert list(read_batch(_ONE + _TWO).messages) == [_ONE, _TWO]
    framed = b"\x0b" + _ONE + b"\x1c\r\x0b" + _TWO + b"\x1c\r"
    assert list(read_batch(framed).messages) == [_ONE, _TWO]
    assert not is_batch(_ONE)
    assert is_batch(_ONE + _TWO)


def test_line_feeds_and_blank_lines() -> None:
    found = read_batch(_FILE.replace(b"\r", b"\r\n\r\n"))
    assert [parse(one).header.control_id for one in found.messages] == ["1", "2"]
    assert found.problems == ()


def test_nothing_is_dropped_in_silence() -> None:
    found = read_batch(b"hello\r" + _ONE)
    assert found.stray == [b"hello\r"]
    assert found.problems == ("1 pieces belong to no message.",)
    assert read_batch(b"").batches == []
