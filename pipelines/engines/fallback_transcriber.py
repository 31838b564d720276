"""The `Transcriber` port over several engines: a session is opened on the first that works.

A session stays with its engine. When that fails, whoever holds the session opens another one at
what is settled, from the durable audio, and gets the next engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from pipelines.engines.circuit import CircuitState, Monotonic
from pipelines.engines.errors import EngineError
from pipelines.engines.policy import Engine, EngineOrder, NoEngine, Run, as_engine_error
from pipelines.engines.probe import hears
from pipelines.engines.usage import PriceTable, Usage
from pipelines.ports import (
    AudioFormat,
    Transcriber,
    TranscriptFinal,
    TranscriptionSession,
    TranscriptPartial,
)

TranscriptionRun = Run[Transcriber]


class FallbackSession:
    """One engine's session. See `pipelines.ports.TranscriptionSession`.

    Results name their engine; what the engine raises comes out as an `EngineError` and counts
    against it.
    """

    def __init__(
        self,
        engine: Engine[Transcriber],
        session: TranscriptionSession,
        audio: AudioFormat,
        succeeded: Callable[[], None],
        clock: Monotonic,
    ) -> None:
        self.engine = engine
        self.fault: EngineError | None = None
        """What the engine failed with."""
        self._session = session
        self._rate = audio.bytes_per_second
        self._succeeded = succeeded
        self._clock = clock
        self._began = clock()
        self._bytes = 0

    @property
    def audio_seconds(self) -> float:
        """Audio that the engine was given."""
        return self._bytes / self._rate

    @property
    def seconds(self) -> float:
        """How long the session has been open."""
        return self._clock() - self._began

    async def feed(self, pcm: bytes) -> None:
        """Take the next interleaved PCM16 bytes. Raises `EngineError`."""
        try:
            await self._session.feed(pcm)
        except Exception as error:
            raise self._failed(error) from error
        self._bytes += len(pcm)

    async def finish(self) -> None:
        """Say that no audio follows. Raises `EngineError`."""
        try:
            await self._session.finish()
        except Exception as error:
            raise self._failed(error) from error

    async def results(self) -> AsyncIterator[TranscriptPartial | TranscriptFinal]:
        """Yield results as they appear, finals with the engine's name. Raises `EngineError`."""
        results = aiter(self._session.results())
        while True:
            try:
                result = await anext(results)
            except StopAsyncIteration:
                self._succeeded()
                return
            except Exception as error:
                raise self._failed(error) from error
            if isinstance(result, TranscriptFinal):
                self._succeeded()
                result = replace(result, engine=self.engine.port.name)
            yield result

    async def aclose(self) -> None:
        """Release everything at once."""
        try:
            await self._session.aclose()
        except Exception as error:
            # The session is given up anyhow: its last complaint changes nothing.
            self._failed(error)

    def _failed(self, error: BaseException) -> EngineError:
        self.fault = self.fault or as_engine_error(self.engine.key, error)
        return self.fault


class FallbackTranscriber:
    """Implements `pipelines.ports.Transcriber`. `clock` is a monotonic clock in seconds.

    While `watch` runs, a broken engine is tried with silence until it answers again; without it
    the next session is the trial.
    """

    def __init__(
        self, order: EngineOrder[Transcriber], prices: PriceTable, *, clock: Monotonic
    ) -> None:
        self.order = order
        self._prices = prices
        self._clock = clock
        self._watched = False

    @property
    def name(self) -> str:
        """The preferred engine's name."""
        return self.order.engines[0].port.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all engines, the preferred one first."""
        return tuple(one.port.name for one in self.order.engines)

    def run(self) -> TranscriptionRun:
        """Begin the transcription of one consultation: sessions one after another."""
        return self.order.run()

    def next(self, run: TranscriptionRun) -> Engine[Transcriber] | None:
        """The engine for the next session of a run, None when none works."""
        return run.next(trials=not self._watched)

    def open(
        self, audio: AudioFormat, *, offset: float = 0.0, vocabulary: Sequence[str] = ()
    ) -> FallbackSession:
        """Begin a session on the first engine that works. Raises `NoEngine`."""
        run = self.run()
        engine = self.next(run)
        if engine is None:
            raise NoEngine(self.order.work, self.order.seconds_open)
        return self.open_on(run, engine, audio, offset=offset, vocabulary=vocabulary)

    def open_on(
        self,
        run: TranscriptionRun,
        engine: Engine[Transcriber],
        audio: AudioFormat,
        *,
        offset: float,
        vocabulary: Sequence[str],
    ) -> FallbackSession:
        """Begin a session on an engine. Raises `EngineError`."""
        try:
            session = engine.port.open(audio, offset=offset, vocabulary=vocabulary)
        except Exception as error:
            raise as_engine_error(engine.key, error) from error
        return FallbackSession(engine, session, audio, lambda: run.succeeded(engine), self._clock)

    def usage(self, session: FallbackSession) -> Usage:
        """What a session has used."""
        name = session.engine.port.name
        return Usage(
            work=self.order.work,
            engine=name,
            seconds=session.seconds,
            audio_seconds=session.audio_seconds,
            cost=self._prices.cost(name, audio_seconds=session.audio_seconds),
        )

    async def watch(self, every: float = 1.0) -> None:
        """Try broken engines with silence, each when its time has come. Runs until cancelled."""
        self._watched = True
        try:
            while True:
                await asyncio.sleep(every)
                for engine in self.order.engines:
                    await self._try(engine)
        finally:
            self._watched = False

    async def _try(self, engine: Engine[Transcriber]) -> None:
        circuit = engine.circuit
        if circuit.state is not CircuitState.HALF_OPEN or not circuit.admits:
            return
        circuit.asked()
        try:
            await hears(engine.key, engine.port, self.order.settings.probe_seconds)
        except EngineError as error:
            circuit.failed(error)
        else:
            circuit.succeeded()
