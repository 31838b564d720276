"""Frames against the decoder of the stand-in and that of botocore, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.aws.transcribe.event_stream import MessageReader, audio_event, encode
from integrations.aws.transcribe.time_line import TimeLine
from pipelines.engines.errors import EngineUnavailable
from tests.stand_ins import transcribe as theirs

NAMES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=40)


@given(st.binary(max_size=2000))
def test_audio_events_are_what_the_service_reads(pcm: bytes) -> None:
    headers, payload = theirs.decode(audio_event(pcm))
    assert payload == pcm
    assert headers == {
        ":content-type": "application/octet-stream",
        ":event-type": "AudioEvent",
        ":message-type": "event",
    }


@given(st.dictionaries(NAMES, st.text(max_size=50), max_size=5), st.binary(max_size=200))
def test_headers_of_any_text(headers: dict[str, str], payload: bytes) -> None:
    assert theirs.decode(encode(headers, payload)) == (headers, payload)


@given(st.data())
def test_messages_are_found_however_they_are_cut(data: st.DataObject) -> None:
    bodies = [{"Transcript": {"Results": [number]}} for number in range(3)]
    whole = b"".join(theirs.encode_event("TranscriptEvent", body) for body in bodies)
    reader, found, at = MessageReader(), [], 0
    while at < len(whole):
        step = data.draw(st.integers(1, 200))
        found += list(reader.feed(whole[at : at + step]))
        at += step
    assert [one.body for one in found] == bodies
    assert {(one.kind, one.name) for one in found} == {("event", "TranscriptEvent")}


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    message = bytearray(theirs.encode_event("TranscriptEvent", {"a": "b" * 30}))
    message[place % len(message)] ^= change
    reader = MessageReader()
    try:
        found = list(reader.feed(bytes(message)))
    except EngineUnavailable:
        return
    # A length that has become larger waits for more.
    assert found == []


@pytest.mark.parametrize("payload", [b"[]", b"{", b"\xff"])
def test_what_is_no_json_object(payload: bytes) -> None:
    headers = {":message-type": "event", ":event-type": "TranscriptEvent"}
    with pytest.raises(EngineUnavailable):
        list(MessageReader().feed(theirs.encode(headers, payload)))


def test_put_in_silence_moves_no_times() -> None:
    line = TimeLine(10.0)
    line.silence(2.0, 0.5)
    line.silence(2.5, 0.5)
    line.silence(6.0, 1.0)
    assert [line.time(at) for at in (0.0, 2.0, 2.4, 3.0, 4.0, 6.5, 8.0)] == [
        10.0,
        12.0,
        12.0,
        12.0,
        13.0,
        15.0,
        16.0,
    ]
