"""Nothing that arrives on the audio socket is an unexpected error."""

from __future__ import annotations

import contextlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.errors import Malformed
from pipelines.ports import AudioFormat, Role
from smart_app.gateway.audio_messages import Start, Stop, parse_frame, parse_text

START = {"type": "start", "encoding": "pcm_s16le", "sample_rate": 16000, "channels": 2}


def test_start_declares_the_format() -> None:
    found = parse_text(json.dumps({**START, "roles": ["doctor", "patient"]}))
    assert isinstance(found, Start)
    assert found.audio == AudioFormat(2, (Role.DOCTOR, Role.PATIENT))
    assert isinstance(parse_text('{"type":"stop"}'), Stop)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"start"',
        '{"type":"pause"}',
        '{"type":"stop","now":true}',
        json.dumps({**START, "sample_rate": 8000}),
        json.dumps({**START, "channels": 3}),
        json.dumps({**START, "channels": "2"}),
        json.dumps({**START, "roles": ["doctor"]}),
        json.dumps({**START, "roles": ["nurse", "patient"]}),
        "[" * 4000,
        " " * 5000,
    ],
)
def test_garbage_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_text(text)


@given(st.text())
def test_any_text_is_read_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        parse_text(text)


@given(st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=100))
def test_frames_round_trip(number: int, pcm: bytes) -> None:
    assert parse_frame(struct.pack(">I", number) + pcm) == (number, pcm)


@given(st.binary(max_size=4))
def test_a_frame_without_audio_is_malformed(message: bytes) -> None:
    with pytest.raises(Malformed):
        parse_frame(message)
