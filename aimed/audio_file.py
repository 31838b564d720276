"""Audio files as the PCM that consultations take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipelines.ports import SAMPLE_RATE


class UnreadableAudio(Exception):
    """Not there, or no format that libsndfile reads. The text is for the terminal."""


def read_pcm(path: Path, channels: int | None = None) -> tuple[bytes, int]:
    """PCM16 at 16 kHz, interleaved, and its number of channels (1 or 2).

    `channels` 1 mixes down, 2 wants a file with two; None takes what is there, mixing more than two
    down to one. Reads WAV, FLAC, Ogg (Vorbis, Opus), MP3. Raises `UnreadableAudio`.
    """
    if not path.is_file():
        raise UnreadableAudio(f"There is no file {path}.")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError):
        raise UnreadableAudio(
            f"{path.name} is no audio that can be read; WAV, FLAC, Ogg and MP3 can."
        ) from None
    present = samples.shape[1]
    wanted = channels or (present if present <= 2 else 1)
    if wanted == 2 and present != 2:
        raise UnreadableAudio(f"{path.name} has {present} channels; two were asked for.")
    if wanted == 1:
        samples = samples.mean(axis=1, keepdims=True)
    resampled = soxr.resample(samples, rate, SAMPLE_RATE)
    return (np.clip(resampled, -1.0, 1.0) * 32767).astype("<i2").tobytes(), wanted
