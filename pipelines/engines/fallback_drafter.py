"""The `NoteDrafter` port over several engines: the first that works writes the note."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pipelines.engines.circuit import Monotonic
from pipelines.engines.errors import EngineError
from pipelines.engines.policy import Engine, EngineOrder, NoEngine, as_engine_error
from pipelines.engines.usage import PriceTable, Usage
from pipelines.ports import Chart, NoteDraft, NoteDrafter, Segment, Tokens


class FallbackDrafter:
    """Implements `pipelines.ports.NoteDrafter`. `clock` is a monotonic clock in seconds."""

    def __init__(
        self, order: EngineOrder[NoteDrafter], prices: PriceTable, *, clock: Monotonic
    ) -> None:
        self.order = order
        self._prices = prices
        self._clock = clock

    @property
    def name(self) -> str:
        """The preferred engine's name."""
        return self.order.engines[0].port.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all engines, the preferred one first."""
        return tuple(one.port.name for one in self.order.engines)

    @property
    def live_interval(self) -> float:
        """That of the engine that writes the next draft, as far as is known."""
        works = (one for one in self.order.engines if self.order.works(one))
        return next(works, self.order.engines[0]).port.live_interval

    async def draft(self, segments: Sequence[Segment], chart: Chart) -> NoteDraft:
        """Draft with the first engine that can; `engine` of the draft says which.

        Raises `NoEngine`.
        """
        run = self.order.run()
        used: list[Usage] = []
        while (engine := run.next()) is not None:
            try:
                draft = await self._ask(engine, segments, chart, used)
            except EngineError as error:
                await asyncio.sleep(run.failed(engine, error))
            else:
                run.succeeded(engine)
                return replace(draft, engine=engine.port.name, usage=tuple(used))
        raise NoEngine(self.order.work, self.order.seconds_open)

    async def _ask(
        self,
        engine: Engine[NoteDrafter],
        segments: Sequence[Segment],
        chart: Chart,
        used: list[Usage],
    ) -> NoteDraft:
        began, tokens = self._clock(), Tokens()
        try:
            async with asyncio.timeout(self.order.settings.draft_seconds):
                draft = await engine.port.draft(segments, chart)
            tokens = draft.tokens
            return draft
        except Exception as error:
            raise as_engine_error(engine.key, error) from error
        finally:
            used.append(self._usage(engine, tokens, self._clock() - began))
            self.order.meter.used(engine.key, used[-1])

    def _usage(self, engine: Engine[NoteDrafter], tokens: Tokens, seconds: float) -> Usage:
        name = engine.port.name
        return Usage(
            work=self.order.work,
            engine=name,
            seconds=seconds,
            tokens_in=tokens.read,
            tokens_out=tokens.written,
            cost=self._prices.cost(name, tokens_in=tokens.read, tokens_out=tokens.written),
        )
