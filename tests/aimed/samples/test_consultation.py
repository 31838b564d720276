"""The sample is consistent, small, and written for what it must show."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimed.audio_file import UnreadableAudio, read_pcm
from aimed.samples import consultation
from fhir_server.validation.structure import check
from pipelines.ports import Role

SAMPLE = consultation.load()


def test_the_audio_is_small_and_as_long_as_its_turns() -> None:
    assert SAMPLE.audio.stat().st_size < 3_000_000
    pcm, channels = read_pcm(SAMPLE.audio)
    assert channels == 2
    seconds = len(pcm) / SAMPLE.format.bytes_per_second
    assert 180 <= seconds <= 300
    assert 0 < seconds - SAMPLE.turns[-1].end < 2


def test_turns_follow_each_other() -> None:
    ends = [0.0, *(turn.end for turn in SAMPLE.turns)]
    assert all(turn.start > end for turn, end in zip(SAMPLE.turns, ends, strict=False))
    assert {turn.speaker for turn in SAMPLE.turns} == {Role.DOCTOR, Role.PATIENT}


def test_the_chart_is_valid_and_holds_the_allergy() -> None:
    assert check(SAMPLE.chart) == ()
    kinds = [entry["resource"]["resourceType"] for entry in SAMPLE.chart["entry"]]
    assert kinds[:2] == ["Patient", "AllergyIntolerance"]


def test_what_is_expected_is_said() -> None:
    said = " ".join(turn.text.lower() for turn in SAMPLE.turns)
    for word in (*SAMPLE.alerts, *SAMPLE.medications, "no fever", "182 over 112"):
        assert word in said


def test_a_file_that_is_no_audio(tmp_path: Path) -> None:
    text = tmp_path / "note.mp3"
    text.write_text("no audio")
    with pytest.raises(UnreadableAudio, match=r"note\.mp3"):
        read_pcm(text)
    with pytest.raises(UnreadableAudio, match="no file"):
        read_pcm(tmp_path / "nothing.wav")
