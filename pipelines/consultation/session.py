"""One live consultation: the spool is followed, transcribed, heard and written up."""

from __future__ import annotations

import asyncio

from fhir_server.errors import Unavailable
from pipelines.consultation.hearing import Hearing
from pipelines.consultation.microphone import Microphone
from pipelines.consultation.note_writing import NoteWriter
from pipelines.consultation.services import Services
from pipelines.consultation.transcribing import Source, Transcribing
from pipelines.ports import AudioFormat
from pipelines.store import SpoolWriter


class LiveConsultation:
    """A consultation in this process. Survives its microphone; ends with `drain` or `aclose`."""

    def __init__(
        self, services: Services, encounter: str, audio: AudioFormat, writer: SpoolWriter
    ) -> None:
        self.encounter = encounter
        self.audio = audio
        self.microphone: Microphone | None = None
        self._writer = writer
        self._notes = NoteWriter(services, encounter)
        self._ending = asyncio.Event()
        source = Source(audio, writer.follow, self._ending)
        transcribing = Transcribing(services, encounter, source, self._heard)
        self._task = asyncio.create_task(transcribing.run())

    @classmethod
    async def open(cls, services: Services, encounter: str, audio: AudioFormat) -> LiveConsultation:
        """Continue a consultation from what is durable, or begin it."""
        backlog = services.settings.spool_backlog_bytes
        writer = await services.spool.writer(encounter, backlog=backlog)
        return cls(services, encounter, audio, writer)

    @property
    def broken(self) -> bool:
        """Whether audio could not be made durable: this object is to be replaced."""
        return self._writer.failed

    def attach(self) -> Microphone:
        """A new microphone; an earlier one is told that it was replaced."""
        if self.microphone is not None:
            self.microphone.end("taken-over")
        self.microphone = Microphone(self._writer, self.audio)
        return self.microphone

    async def finish_audio(self) -> None:
        """Take no more audio and return once all that was taken is durable.

        Raises `Unavailable` when it cannot be made durable.
        """
        await self._writer.close()
        if self._writer.failed:
            raise Unavailable("The last audio could not be stored. Try again in a moment.")
        self._ending.set()

    async def drain(self) -> None:
        """Transcribe what is left and write the note from all of it. After `finish_audio`.

        Raises `NoEngine` when no transcriber works; what is durable can be continued.
        """
        await self._task
        await self._notes.flush()

    async def aclose(self) -> None:
        """Stop at once; everything durable stays and can be continued."""
        if self.microphone is not None:
            self.microphone.end("failed")
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._notes.aclose()
        await self._writer.aclose()

    def _heard(self, hearing: Hearing) -> None:
        self._notes.touch(hearing.segments, hearing.chart)
