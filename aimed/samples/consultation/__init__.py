"""A visit with planted facts: dialogue, audio, chart, and what must be found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.ports import AudioFormat, Role

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Turn:
    """What somebody says, and when in the audio (seconds)."""

    speaker: Role
    text: str
    start: float
    end: float


@dataclass(frozen=True)
class SampleConsultation:
    """The sample. `alerts` are words of alerts to raise, `denied` of alerts not to raise."""

    title: str
    turns: tuple[Turn, ...]
    audio: Path
    format: AudioFormat
    chart: dict[str, Any]
    alerts: tuple[str, ...]
    denied: tuple[str, ...]
    medications: tuple[str, ...]
    vitals: dict[str, float]


def load() -> SampleConsultation:
    """Read the sample from the package."""
    dialogue, expected = _read("dialogue.json"), _read("expected.json")
    timings: list[dict[str, Any]] = _read("timings.json")
    return SampleConsultation(
        title=dialogue["title"],
        turns=tuple(
            Turn(Role(turn["speaker"]), turn["text"], time["start"], time["end"])
            for turn, time in zip(dialogue["turns"], timings, strict=True)
        ),
        audio=_HERE / "consultation.opus",
        format=AudioFormat(2, (Role.DOCTOR, Role.PATIENT)),
        chart=_read("chart.json"),
        alerts=tuple(expected["alerts"]),
        denied=tuple(expected["denied"]),
        medications=tuple(expected["medications"]),
        vitals=expected["vitals"],
    )


def _read(name: str) -> Any:
    return json.loads((_HERE / name).read_text(encoding="utf-8"))
