"""The recording as one FLAC file. https://www.rfc-editor.org/rfc/rfc9639"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import soundfile

from pipelines.ports import SAMPLE_RATE, AudioFormat


async def to_flac(pcm: AsyncIterator[bytes], audio: AudioFormat) -> bytes:
    """Compress PCM16 without loss. An hour of audio passes in pieces, off the event loop."""
    with tempfile.TemporaryDirectory(prefix="aimed-") as folder:
        path = Path(folder) / "audio.flac"
        flac = await asyncio.to_thread(_open, path, audio)
        try:
            async for piece in pcm:
                await asyncio.to_thread(_write, flac, piece, audio.channels)
        finally:
            await asyncio.to_thread(flac.close)
        return await asyncio.to_thread(path.read_bytes)


def _open(path: Path, audio: AudioFormat) -> soundfile.SoundFile:
    return soundfile.SoundFile(
        path,
        mode="w",
        samplerate=SAMPLE_RATE,
        channels=audio.channels,
        format="FLAC",
        subtype="PCM_16",
    )


def _write(flac: soundfile.SoundFile, piece: bytes, channels: int) -> None:
    flac.write(np.frombuffer(piece, dtype="<i2").reshape(-1, channels))
