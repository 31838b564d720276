"""The stream taken apart, whatever it is cut into."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.hl7v2.mllp import Deframer, Discarded, Frame, Oversize, framed

_A, _B = b"MSH|^~\\&|A\rPID|1\r", b"MSH|^~\\&|B\r"


def _feed(data: bytes, *, limit: int = 1000, step: int = 0) -> list[object]:
    deframer = Deframer(limit)
    found: list[object] = []
    for at in range(0, len(data), step or len(data) or 1):
        found += deframer.feed(data[at : at + (step or len(data))])
    found += deframer.end_undecided()
    return found


_CASES = [
    (b"\x0b" + _A + b"\x1c\r", [Frame(_A)]),
    (framed(_A) + framed(_B), [Frame(_A), Frame(_B)]),
    (b"\r\n\x00\x00" + framed(_A) + b"\x00\r\n" + framed(_B), [Frame(_A), Frame(_B)]),
    (b"noise" + framed(_A), [Discarded(5), Frame(_A)]),
    (b"\x0b" + _A + b"\x1c\x0b" + _B + b"\x1c", [Frame(_A), Frame(_B)]),
    (b"\x0b" + _A + b"\x1c\n", [Frame(_A)]),
    (b"\x0b" + _A + b"\x1c", [Frame(_A)]),
    (b"\x0b" + _A + b"x\x1cy\r\x1c\r", [Frame(_A + b"x\x1cy\r")]),
    (b"\x0b" + _A + b"x\x0by\r\x1c\r", [Frame(_A + b"x\x0by\r")]),
    (b"\x0bMSH|half" + framed(_A), [Discarded(8), Frame(_A)]),
    (b"\x0b\x0b" + _A + b"\x1c\r", [Frame(_A)]),
    (b"\x0b\x0b\x0b" + _A + b"\x1c\r", [Discarded(1), Frame(_A)]),
    (b"\x0b\x1c\r", [Frame(b"")]),
    (_A + b"\x1c\r" + framed(_B), [Discarded(len(_A) - 1), Frame(_B)]),
    (b"\x0b" + _A, []),
]


@pytest.mark.parametrize(("data", "found"), _CASES)
@pytest.mark.parametrize("step", [0, 1, 2, 3, 7])
def test_frames(data: bytes, found: list[object], step: int) -> None:
    events = _feed(data, step=step)
    assert [one for one in events if not isinstance(one, Discarded)] == [
        one for one in found if not isinstance(one, Discarded)
    ]
    # How noise is cut up is of no interest, only how much it is.
    assert _discarded(events) == _discarded(found)


def _discarded(events: list[object]) -> int:
    return sum(one.size for one in events if isinstance(one, Discarded))


@pytest.mark.parametrize("step", [0, 1, 100])
def test_a_message_too_large_is_dropped_to_its_end(step: int) -> None:
    large = b"MSH|" + b"x" * 5000
    data = framed(_A) + framed(large) + framed(_B)
    found = _feed(data, limit=1000, step=step)
    assert found[0] == Frame(_A)
    assert isinstance(found[1], Oversize)
    assert found[1].size == len(large)
    assert large.startswith(found[1].head)
    assert len(found[1].head) >= 1000
    assert found[2] == Frame(_B)


@given(
    st.lists(
        st.sampled_from([framed(_A), framed(_B), b"\x0b", b"\x1c", b"\r", b"MSH", b"xy", b"\x00"]),
        max_size=12,
    ).map(b"".join),
    st.lists(st.integers(0, 80), max_size=8),
)
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    whole = _feed(data, limit=30)
    deframer, found, last = Deframer(30), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += deframer.feed(data[last:cut])
        last = max(last, cut)
    found += deframer.end_undecided()

    def told(events: list[object]) -> list[object]:
        return [
            one.size if isinstance(one, Oversize) else one
            for one in events
            if not isinstance(one, Discarded)
        ]

    assert told(found) == told(whole)
    assert _discarded(found) == _discarded(whole)


@given(
    st.lists(
        st.binary(min_size=1, max_size=40).filter(
            lambda one: b"\x1c" not in one and b"\x0b" not in one
        ),
        max_size=6,
    )
)
def test_what_is_framed_is_found(messages: list[bytes]) -> None:
    data = b"".join(framed(one) for one in messages)
    assert _feed(data, step=3) == [Frame(one) for one in messages]


@pytest.mark.parametrize("message", [b"x\x1c\ry", b"x\x0bMSH", b"x\x1c"])
def test_a_message_that_would_break_the_frame_is_not_framed(message: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        framed(message)


def test_work_is_linear() -> None:
    data = framed(b"MSH|" + b"\x1cx\x0by" * 500_000)
    deframer, started, found = Deframer(len(data)), time.process_time(), []
    for at in range(0, len(data), 4096):
        found += deframer.feed(data[at : at + 4096])
    assert len(found) == 1
    assert time.process_time() - started < 5
