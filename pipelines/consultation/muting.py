"""What was heard already is silent when a new session begins.

A session resumes at what is settled on all channels, and one channel may be heard beyond it. Its
words must not come twice, and a new engine cuts speech elsewhere and has clocks of its own; so it
is not given the sound of what is in the journal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import numpy as np

from pipelines.ports import BYTES_PER_SAMPLE, SAMPLE_RATE, AudioFormat


async def muted(
    audio: AudioFormat, chunks: AsyncIterator[bytes], sample: int, heard: Mapping[int, float]
) -> AsyncIterator[bytes]:
    """The same audio, from sample number `sample` on, each channel silent until it is unheard.

    `heard` has for each channel the seconds until which it is in the journal.
    """
    until = {channel: round(seconds * SAMPLE_RATE) for channel, seconds in heard.items()}
    frame = BYTES_PER_SAMPLE * audio.channels
    async for pcm in chunks:
        if sample < max(until.values(), default=0):
            yield _silenced(pcm, audio.channels, sample, until)
        else:
            yield pcm
        sample += len(pcm) // frame


def _silenced(pcm: bytes, channels: int, sample: int, until: Mapping[int, int]) -> bytes:
    samples = np.frombuffer(pcm, dtype="<i2").copy()
    for channel, end in until.items():
        silent = max(0, end - sample)
        samples[channel : silent * channels : channels] = 0
    return samples.tobytes()
