"""One live consultation: the spool is followed, transcribed, heard and written up.

Transcription reads durable audio only, so what was transcribed can always be transcribed again.
"""

from __future__ import annotations

import asyncio

import structlog

from fhir_server.errors import Unavailable
from pipelines.consultation import events
from pipelines.consultation.hearing import Hearing
from pipelines.consultation.microphone import Microphone
from pipelines.consultation.note_writing import NoteWriter
from pipelines.consultation.services import Services
from pipelines.consultation.uninterrupted import uninterrupted
from pipelines.ports import (
    BYTES_PER_SAMPLE,
    SAMPLE_RATE,
    AudioFormat,
    TranscriptFinal,
    TranscriptionSession,
    TranscriptPartial,
)
from pipelines.store import SpoolWriter

_log = structlog.get_logger("aimed.consultation")
_LONGEST_WAIT = 30.0


class LiveConsultation:
    """A consultation in this process. Survives its microphone; ends with `drain` or `aclose`."""

    def __init__(
        self, services: Services, encounter: str, audio: AudioFormat, writer: SpoolWriter
    ) -> None:
        self.encounter = encounter
        self.audio = audio
        self.microphone: Microphone | None = None
        self.incomplete = False
        """Whether transcription was given up before the end of the audio."""
        self._services = services
        self._writer = writer
        self._notes = NoteWriter(services, encounter)
        self._progress = 0
        self._ending = asyncio.Event()
        self._task = asyncio.create_task(self._run())

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
        """Transcribe what is left and write the note from all of it. After `finish_audio`."""
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

    async def _run(self) -> None:
        failures = 0
        while True:
            before = self._progress
            try:
                await self._transcribe()
                return
            except Exception as error:
                failures = 1 if self._progress > before else failures + 1
                await self._report(error)
            if failures >= self._services.settings.transcription_attempts:
                if self._ending.is_set():
                    self.incomplete = True
                    return
                # The audio keeps being recorded; its end gets one more row of attempts.
                await self._ending.wait()
                failures = 0
            wait = self._services.settings.retry_seconds * 2.0 ** (failures - 1)
            await asyncio.sleep(min(wait, _LONGEST_WAIT))

    async def _transcribe(self) -> None:
        hearing = await Hearing.load(self._services, self.encounter)
        if hearing.segments:
            self._notes.touch(hearing.segments, hearing.chart)
        sample = int(hearing.settled * SAMPLE_RATE)
        session = self._services.transcriber.open(
            self.audio, offset=sample / SAMPLE_RATE, vocabulary=hearing.vocabulary
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                start = sample * BYTES_PER_SAMPLE * self.audio.channels
                tasks.create_task(self._feed(session, start))
                tasks.create_task(self._listen(session, hearing))
        finally:
            await session.aclose()

    async def _feed(self, session: TranscriptionSession, from_byte: int) -> None:
        async for pcm in self._writer.follow(from_byte):
            await session.feed(pcm)
        await session.finish()

    async def _listen(self, session: TranscriptionSession, hearing: Hearing) -> None:
        async for result in session.results():
            if isinstance(result, TranscriptFinal):
                await self._final(result, hearing)
            else:
                await self._partial(result, hearing)

    async def _final(self, result: TranscriptFinal, hearing: Hearing) -> None:
        if await uninterrupted(hearing.take(result)) is not None:
            self._progress += 1
            self._notes.touch(hearing.segments, hearing.chart)

    async def _partial(self, result: TranscriptPartial, hearing: Hearing) -> None:
        role = hearing.role(result.channel, result.text)
        try:
            data = events.partial(result, role)
            await self._services.bus.publish(self.encounter, events.PARTIAL, data)
        except Exception as error:
            # Only shown, never stored: a Redis outage must not stop the transcription.
            _log.warning("partial not shown", fault=type(error).__name__)

    async def _report(self, error: Exception) -> None:
        _log.error("transcription failed", fault=_names(error), encounter=self.encounter)
        data = events.error(
            "transcription-failed", "Transcription broke off and begins again; no audio is lost."
        )
        try:
            await self._services.bus.publish(self.encounter, events.ERROR, data)
        except Exception as second:
            _log.warning("error not shown", fault=type(second).__name__)


def _names(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(_names(one) for one in error.exceptions)
    return type(error).__name__
