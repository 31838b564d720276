"""The transcript as JSON and WebVTT."""

from __future__ import annotations

import json

from pipelines.consultation.transcript_files import to_json, to_webvtt
from pipelines.ports import Role, Segment, Word


def test_json_holds_everything() -> None:
    word = Word(1.0, 1.25, "pain", 0.75)
    segment = Segment("s1", 1, Role.PATIENT, 1.0, 1.25, "pain", 0.75, (word,), engine="script 1")
    found = json.loads(to_json("e1", [segment]))
    assert found["encounter"] == "e1"
    assert found["segments"] == [
        {
            "id": "s1",
            "channel": 1,
            "role": "patient",
            "start": 1.0,
            "end": 1.25,
            "text": "pain",
            "confidence": 0.75,
            "engine": "script 1",
            "words": [{"start": 1.0, "end": 1.25, "text": "pain", "probability": 0.75}],
        }
    ]


def test_webvtt_has_a_cue_for_each_segment_in_order_of_time() -> None:
    late = Segment("s1", 0, Role.DOCTOR, 3661.5, 3662.0, "R&D --> <b>\nbold", 1)
    early = Segment("s2", 1, Role.PATIENT, 0.0, 0.0, "hm", 1)
    assert to_webvtt([late, early]).decode() == (
        "WEBVTT\n\n"
        "s2\n00:00:00.000 --> 00:00:00.001\n<v patient>hm\n\n"
        "s1\n01:01:01.500 --> 01:01:02.000\n<v doctor>R&amp;D --&gt; &lt;b&gt; bold\n\n"
    )


def test_a_silent_consultation_has_files_too() -> None:
    assert to_webvtt([]) == b"WEBVTT\n\n"
    assert json.loads(to_json("e1", []))["segments"] == []
