"""The speech of one consultation, from what is settled to the end of the audio, over any engine.

Only durable audio is read, so what was heard can always be heard again. Each session loads the
journal anew and begins at `settled`; when its engine fails, the next one goes on there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import structlog

from pipelines.consultation import events, waiting
from pipelines.consultation.hearing import Hearing
from pipelines.consultation.muting import muted
from pipelines.consultation.pace import Pace
from pipelines.consultation.services import Services
from pipelines.consultation.uninterrupted import uninterrupted
from pipelines.engines.back_off import back_off
from pipelines.engines.errors import EngineError
from pipelines.engines.fallback_transcriber import FallbackSession
from pipelines.engines.policy import Engine, NoEngine
from pipelines.engines.usage import Work
from pipelines.ports import (
    BYTES_PER_SAMPLE,
    SAMPLE_RATE,
    AudioFormat,
    Transcriber,
    TranscriptFinal,
    TranscriptPartial,
)

_log = structlog.get_logger("aimed.consultation")
_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class Source:
    """Where the audio comes from. `follow` yields it from a byte on, until `ending` and its end."""

    audio: AudioFormat
    follow: Callable[[int], AsyncIterator[bytes]]
    ending: asyncio.Event


@dataclass
class _Shown:
    """What watchers see of this transcription and nothing keeps."""

    engine: str | None = None
    partials: set[int] = field(default_factory=set)


class Transcribing:
    """Runs once. `heard` is called after each new segment, and once with what there was before."""

    def __init__(
        self,
        services: Services,
        encounter: str,
        source: Source,
        heard: Callable[[Hearing], None] = lambda hearing: None,
    ) -> None:
        self._services = services
        self._encounter = encounter
        self._source = source
        self._heard = heard
        self._run = services.transcriber.run()
        self._faults = 0
        self._last_round = False
        self._shown = _Shown()
        self._pace = Pace(services.meter)

    async def run(self) -> None:
        """Return when all is heard. Raises `NoEngine` once the recording has ended without one."""
        while True:
            engine = self._services.transcriber.next(self._run)
            if engine is None:
                await self._nothing_works()
            elif await self._attempt(engine):
                return

    async def _nothing_works(self) -> None:
        wait = self._run.new_round()
        if self._last_round:
            raise NoEngine(Work.TRANSCRIPTION, wait)
        if self._source.ending.is_set():
            # What failed before the end gets one more chance; then a job waits, and not a person.
            self._last_round = True
            return
        await waiting.begin(self._services, self._encounter, Work.TRANSCRIPTION)
        await self._pause(wait)

    async def _attempt(self, engine: Engine[Transcriber]) -> bool:
        try:
            return await self._session(engine)
        except EngineError as error:
            # What an engine says of itself is for operators and free of patient data.
            _log.error("engine failed", engine=engine.key, fault=str(error))
            wait = self._run.failed(engine, error)
            await self._clear_partials()
            await self._pause(wait)
        except Exception as error:
            # The store or the bus is away: no engine's fault.
            self._faults += 1
            await self._report(error)
            first = self._services.settings.retry_seconds
            random = self._services.transcriber.order.random
            await asyncio.sleep(back_off(first, _LONGEST_WAIT, self._faults, random))
        return False

    async def _session(self, engine: Engine[Transcriber]) -> bool:
        """Whether all is heard. Raises `EngineError` for the engine's faults."""
        hearing = await Hearing.load(self._services, self._encounter)
        if hearing.segments:
            self._heard(hearing)
        sample = int(hearing.settled * SAMPLE_RATE)
        transcriber, audio = self._services.transcriber, self._source.audio
        session = transcriber.open_on(
            self._run,
            engine,
            audio,
            offset=sample / SAMPLE_RATE,
            vocabulary=hearing.vocabulary,
        )
        try:
            await self._goes_on_with(engine)
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(self._feed(session, sample, hearing.heard))
                ended = await self._listen(session, hearing)
                if not ended:
                    feeding.cancel()
            return ended
        except Exception as error:
            if session.fault is not None:
                raise session.fault from error
            raise
        finally:
            await session.aclose()
            await uninterrupted(self._record(session))

    async def _feed(self, session: FallbackSession, sample: int, heard: dict[int, float]) -> None:
        audio = self._source.audio
        start = sample * BYTES_PER_SAMPLE * audio.channels
        self._pace.begin(sample / SAMPLE_RATE, audio.bytes_per_second)
        async for pcm in muted(audio, self._source.follow(start), sample, heard):
            self._pace.fed(len(pcm))
            await session.feed(pcm)
        await session.finish()

    async def _listen(self, session: FallbackSession, hearing: Hearing) -> bool:
        async for result in session.results():
            if isinstance(result, TranscriptPartial):
                await self._partial(result, hearing)
                continue
            await self._final(result, hearing)
            # A preferred engine takes over where nothing is half said.
            if hearing.quiet and self._run.better(session.engine):
                await self._clear_partials()
                return False
        return True

    async def _final(self, result: TranscriptFinal, hearing: Hearing) -> None:
        before = len(hearing.alerted)
        self._shown.partials.discard(result.channel)
        if await uninterrupted(hearing.take(result)) is None:
            return
        self._faults = 0
        self._last_round = False
        self._pace.final(result.end, alerts=len(hearing.alerted) > before)
        self._heard(hearing)

    async def _partial(self, result: TranscriptPartial, hearing: Hearing) -> None:
        self._pace.partial(result.start)
        self._shown.partials.add(result.channel)
        role = hearing.role(result.channel, result.text)
        await self._show(events.PARTIAL, events.partial(result, role))

    async def _clear_partials(self) -> None:
        """What an engine was about to say and did not, nobody has said."""
        for channel in sorted(self._shown.partials):
            nothing = TranscriptPartial(channel, 0.0, 0.0, "")
            await self._show(events.PARTIAL, events.partial(nothing, events.NOBODY))
        self._shown.partials.clear()

    async def _goes_on_with(self, engine: Engine[Transcriber]) -> None:
        name = engine.port.name
        ended = await waiting.end(self._services, self._encounter, Work.TRANSCRIPTION)
        if ended or self._shown.engine not in (None, name) or name != self._preferred:
            preferred = name == self._preferred
            data = events.engine_changed(Work.TRANSCRIPTION, name, preferred=preferred)
            await self._show(events.ENGINE_CHANGED, data)
        self._shown.engine = name

    @property
    def _preferred(self) -> str:
        return self._services.transcriber.name

    async def _record(self, session: FallbackSession) -> None:
        usage = self._services.transcriber.usage(session)
        if usage.audio_seconds == 0:
            return
        self._services.meter.used(session.engine.key, usage)
        try:
            await self._services.consultations.add_usage(self._encounter, usage)
        except Exception as error:
            # An estimate: it is not worth losing a transcript for.
            _log.warning("usage not recorded", fault=type(error).__name__)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until the recording ends."""
        if self._source.ending.is_set():
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._source.ending.wait()
        except TimeoutError:
            return

    async def _report(self, error: Exception) -> None:
        _log.error("transcription failed", fault=_names(error), encounter=self._encounter)
        await self._clear_partials()
        message = "Transcription broke off and begins again; no audio is lost."
        await self._show(events.ERROR, events.error("transcription-failed", message))

    async def _show(self, type: str, data: events.Data) -> None:
        try:
            await self._services.bus.publish(self._encounter, type, data)
        except Exception as error:
            # Only shown, never stored: a Redis outage must not stop the transcription.
            _log.warning("not shown", type=type, fault=error.__class__.__name__)


def _names(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(_names(one) for one in error.exceptions)
    return type(error).__name__
