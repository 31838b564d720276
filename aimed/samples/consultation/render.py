"""Renders the dialogue with two synthetic voices: doctor on the left channel, patient on the right.

Usage: python -m aimed.samples.consultation.render  (needs the program `flite`)

flite's voices rms and slt, rather than espeak-ng's, because the packaged tiny.en model hears them
as it hears people: of nine planted phrases it got nine, with espeak-ng five.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

RATE = 16_000
_HERE = Path(__file__).parent
_VOICE = {"doctor": "rms", "patient": "slt"}
_CHANNEL = {"doctor": 0, "patient": 1}
_LEAD_SECONDS = 0.8
_PAUSES = (0.7, 0.9, 0.8, 1.0)
_HISS = 0.0006
"""Background noise, about -64 dBFS: a quiet room, so that silence is not digital zero."""


def main() -> None:
    """Write `consultation.opus` and `timings.json` beside the dialogue."""
    dialogue = json.loads((_HERE / "dialogue.json").read_text())
    audio, timings = render(dialogue["turns"])
    soundfile.write(
        _HERE / "consultation.opus", audio, RATE, format="OGG", subtype="OPUS",
        compression_level=0.9,
    )  # fmt: skip
    (_HERE / "timings.json").write_text(json.dumps(timings, indent=1) + "\n")


def render(turns: list[dict[str, Any]]) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Samples of both channels, and when each turn starts and ends in seconds."""
    spoken = [_speak(turn.get("say", turn["text"]), _VOICE[turn["speaker"]]) for turn in turns]
    pauses = [_PAUSES[number % len(_PAUSES)] for number in range(len(turns))]
    seconds = _LEAD_SECONDS + sum(pauses) + sum(len(one) for one in spoken) / RATE
    noise = np.random.default_rng(7).normal(0, _HISS, (round(seconds * RATE), 2))
    audio = noise.astype(np.float32)
    timings, position = [], round(_LEAD_SECONDS * RATE)
    for turn, samples, pause in zip(turns, spoken, pauses, strict=True):
        end = position + len(samples)
        audio[position:end, _CHANNEL[turn["speaker"]]] += samples
        timings.append(
            {
                "speaker": turn["speaker"],
                "start": round(position / RATE, 2),
                "end": round(end / RATE, 2),
            }
        )
        position = end + round(pause * RATE)
    return audio, timings


def _speak(text: str, voice: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.wav"
        command = ["flite", "-voice", voice, "--setf", "duration_stretch=1.05", "-t", text]
        subprocess.run([*command, "-o", str(path)], check=True)  # noqa: S603 - our own text
        samples, rate = soundfile.read(path, dtype="float32")
    resampled: np.ndarray = soxr.resample(samples, rate, RATE).astype(np.float32)
    return resampled * (0.5 / max(1e-6, float(np.abs(resampled).max())))


if __name__ == "__main__":
    main()
