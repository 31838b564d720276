"""The `Transcriber` port on faster-whisper, on the CPU, without any network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from integrations.whisper.recogniser import Recogniser
from integrations.whisper.session import WhisperSession
from integrations.whisper.settings import WhisperSettings
from pipelines.ports import AudioFormat


class WhisperTranscriber:
    """One model for all consultations of this process."""

    def __init__(self, settings: WhisperSettings) -> None:
        self._settings = settings
        self._recogniser = Recogniser(settings)
        self.name = f"whisper {Path(settings.model).name if settings.model else 'tiny.en'}"

    async def warm(self) -> None:
        """Load the model now rather than when the first patient speaks.

        Raises `WhisperMissing`.
        """
        await self._recogniser.run(self._recogniser.load)

    def open(
        self, audio: AudioFormat, *, offset: float = 0.0, vocabulary: Sequence[str] = ()
    ) -> WhisperSession:
        """Begin a session whose first sample lies `offset` seconds into the consultation."""
        return WhisperSession(self._recogniser, self._settings, audio, offset, tuple(vocabulary))
