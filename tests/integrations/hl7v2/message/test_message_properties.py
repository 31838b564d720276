"""What holds for every message: parse(build(x)) = x, and odd bytes never raise."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from integrations.hl7v2.message import Delimiters, Message, NotHl7, parse
from integrations.hl7v2.message.batch import read_batch
from integrations.hl7v2.message.build import to_bytes

_DELIMITERS = st.sampled_from(
    [Delimiters(), Delimiters(truncation=b"#"), Delimiters(b"*", b":", b";", b"!", b"?")]
)
_CHARSETS = {
    "ascii": st.characters(max_codepoint=126),
    "iso8859_1": st.characters(max_codepoint=255),
    "utf_8": st.characters(exclude_categories=["Cs"]),
    "gb18030": st.sampled_from("張倀亅ab|^~\\&#\r\n"),
    "big5": st.sampled_from("許功蓋ab|^~\\&"),
    "euc_kr": st.sampled_from("김철수ab|^~\\&"),
    "utf_16": st.characters(exclude_categories=["Cs"]),
}
_SEGMENT = st.from_regex(r"[A-Z][A-Z0-9]{2}", fullmatch=True).filter(
    lambda one: one not in ("MSH", "FHS", "BHS")
)


@st.composite
def _built(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, list[list[list[str]]]]], Delimiters]:
    """Raw bytes, and per segment its fields as repetitions of components."""
    charset = draw(st.sampled_from(sorted(_CHARSETS)))
    marks = draw(_DELIMITERS)
    text = st.text(_CHARSETS[charset], max_size=8)
    components = st.lists(text, min_size=1, max_size=3)
    field = st.lists(components, min_size=1, max_size=3)
    segments = draw(
        st.lists(st.tuples(_SEGMENT, st.lists(field, min_size=1, max_size=4)), max_size=4)
    )
    header = {9: ("ADT", "A01"), 10: draw(text), 12: "2.7"}
    rows = [("MSH", header)] + [
        (name, {n: [tuple(one) for one in value] for n, value in enumerate(fields, 1)})
        for name, fields in segments
    ]
    return to_bytes(rows, delimiters=marks, charset=charset), segments, marks


@given(_built())
def test_what_was_built_is_read(
    built: tuple[bytes, list[tuple[str, list[list[list[str]]]]], Delimiters],
) -> None:
    raw, segments, marks = built
    message = parse(raw)
    assert message.raw == raw
    assert message.delimiters == marks
    assert message.charset.fallback is None
    assert [one.id for one in message.segments] == ["MSH"] + [name for name, _ in segments]
    for segment, (_, fields) in zip(message.segments[1:], segments, strict=True):
        assert len(segment) == len(fields)
        for number, field in enumerate(fields, 1):
            _holds(segment[number].raw, field)
            for at, repetition in enumerate(field, 1):
                for component, text in enumerate(repetition, 1):
                    assert segment.text(f"{number}.{component}", repetition=at) == text
                    assert segment[number][at][component].text == text


def _holds(raw: bytes, field: list[list[str]]) -> None:
    # An empty field has no repetitions, and one empty component is no component.
    assert bool(raw) == (field != [[""]])


@given(_built())
def test_bytes_are_kept_byte_for_byte(
    built: tuple[bytes, list[tuple[str, list[list[list[str]]]]], Delimiters],
) -> None:
    raw = built[0]
    message = parse(raw)
    if message.charset.used in ("ascii", "iso8859_1", "utf_8", "euc_kr"):
        assert b"".join(one.raw + b"\r" for one in message.segments) == raw


def _read_all(message: Message) -> None:
    header = message.header
    assert isinstance(header.control_id, str)
    assert isinstance(message.charset.used, str)
    for segment in message.segments:
        assert isinstance(segment.id, str)
        for field in segment.fields:
            for repetition in field.repetitions:
                for component in repetition.components:
                    assert isinstance(component.text, str)
                    for subcomponent in component.subcomponents:
                        assert isinstance(subcomponent.text, str)


@given(st.binary(max_size=200))
def test_no_bytes_raise_but_not_hl7(tail: bytes) -> None:
    with contextlib.suppress(NotHl7):
        _read_all(parse(tail))
    with contextlib.suppress(NotHl7):
        _read_all(parse(b"MSH" + tail))
    _read_all(parse(b"MSH|^~\\&|A|B|||2024||ADT^A01|1|P|2.5||||||" + tail))


@given(_built(), st.data())
def test_changed_bytes_raise_nothing_but_not_hl7(
    built: tuple[bytes, list[tuple[str, list[list[list[str]]]]], Delimiters], data: st.DataObject
) -> None:
    raw = bytearray(built[0])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotHl7):
        _read_all(parse(bytes(raw)))


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"MSH|^~\\&|",
                b"FHS|",
                b"BHS|",
                b"BTS|3",
                b"FTS|",
                b"\r",
                b"\n",
                b"PID|x",
                b"\x1c",
                b"\x0b",
                b"x",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_every_byte_of_a_file_is_somewhere(raw: bytes) -> None:
    found = read_batch(raw)
    kept = b"".join(
        [found.header, found.trailer, *found.stray, *found.messages]
        + [one.header + one.trailer for one in found.batches]
    )
    assert isinstance(found.problems, tuple)
    marks = b"\x0b\x1c\x00 \t\r\n\xef\xbb\xbf"
    assert len(kept.translate(None, marks)) == len(raw.translate(None, marks))
