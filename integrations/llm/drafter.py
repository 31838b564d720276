"""Implements `pipelines.ports.NoteDrafter` with a language model.

The model proposes, `pipelines.note.checks` disposes: nothing it writes reaches a note without
evidence that exists and bears it out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import openai
import structlog
from openai import AsyncOpenAI

from integrations.llm import faults, prompts
from integrations.llm.asking import Reply, ask
from integrations.llm.budget import Budget, tokens
from integrations.llm.client import load, open_client
from integrations.llm.dialect import Dialect
from integrations.llm.memory import Memory, digests
from integrations.llm.parts import cuts, joined, without_repeats
from integrations.llm.settings import LlmSettings
from integrations.llm.structured_output import NotANote, Proposal, parse
from integrations.llm.truncation import was_cut
from integrations.llm.visit_data import data
from pipelines.note.checks import verify
from pipelines.ports import Chart, NoteDraft, Segment, Tokens
from terminology.words import words

_FEWEST_WORDS = 3
"""Less is said by a cough or a door as a recogniser hears it: nobody is asked about that."""
_CUT_HOLDS_SECONDS = 3600.0
"""Then a prompt of that length is tried again: the operator may have given the server a longer
context, or its count was that of whole blocks by chance."""
_log = structlog.get_logger("aimed.llm")


class LlmDrafter:
    """A NoteDrafter. Raises the engine errors of `pipelines.engines.errors` and nothing else.

    One object may draft any number of visits, in one event loop after another.
    """

    def __init__(
        self, settings: LlmSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if not settings.model:
            raise ValueError("Name the model in AIMED_LLM__MODEL.")
        self.name = f"{settings.provider} {settings.model} prompt {settings.prompt}"
        self.live_interval = settings.live_seconds
        self._settings = settings
        self._prompt = prompts.load(settings.prompt, settings.language)
        self._tls = load(settings)
        self._dialect = Dialect.of(settings)
        self._memory = Memory()
        self._too_much: tuple[int, float] | None = None
        """Characters of the shortest prompt that the server cut, and when."""
        self._monotonic = monotonic

    async def draft(self, segments: Sequence[Segment], chart: Chart) -> NoteDraft:
        """Draft the note from all segments so far; parts known already are not asked for again."""
        if sum(len(words(segment.text)) for segment in segments) < _FEWEST_WORDS:
            return NoteDraft()
        budget = Budget(self._settings.draft_tokens)
        proposals = await self._proposals(segments, chart, budget)
        draft = await asyncio.to_thread(_checked, proposals, segments, chart)
        return replace(draft, tokens=Tokens(budget.sent, budget.received))

    async def _proposals(
        self, segments: Sequence[Segment], chart: Chart, budget: Budget
    ) -> list[Proposal]:
        began = self._monotonic()
        try:
            async with (
                asyncio.timeout(self._settings.draft_seconds),
                open_client(self._settings, self._tls) as client,
            ):
                return await _Drafting(self, client, budget, segments, chart).parts()
        except TimeoutError:
            raise faults.late() from None
        finally:
            if budget.requests:
                self._tell(budget, self._monotonic() - began)

    def _tell(self, budget: Budget, seconds: float) -> None:
        _log.info(
            "asked the model",
            requests=budget.requests,
            sent=budget.sent,
            received=budget.received,
            seconds=round(seconds, 2),
        )

    async def answer(self, client: AsyncOpenAI, content: str, budget: Budget) -> Reply:
        """The reply to `content`, asked as this server wants to be asked."""
        length = len(self._prompt.system) + len(content)
        if self._is_too_much(length):
            raise faults.cut()
        sending = tokens(self._prompt.system) + tokens(content)
        dialect: Dialect | None = self._dialect
        while dialect is not None:
            budget.claim(sending, self._settings.output_tokens)
            request = dialect.request(self._settings, self._prompt, content)
            try:
                reply = await ask(client, request, self._settings)
            except openai.APIStatusError as error:
                budget.settle(sending, 0, 0)
                fault = faults.translate(error)
                dialect = None if isinstance(fault, faults.TooLong) else dialect.after(error)
            else:
                self._dialect = replace(dialect, proven=True)
                received = tokens(reply.text) if reply.received is None else reply.received
                budget.settle(sending, sending if reply.sent is None else reply.sent, received)
                self._whole(length, reply)
                return reply
        # Outside the handler, so that the server's own text is not carried along.
        raise fault

    def _whole(self, length: int, reply: Reply) -> None:
        """Refuse an answer to a part of the question, and remember how much was too much."""
        if was_cut(length, reply.sent):
            _log.warning("the server cut the prompt", characters=length, tokens_read=reply.sent)
            self._too_much = length, self._monotonic()
            raise faults.cut()

    def _is_too_much(self, length: int) -> bool:
        if self._too_much is None:
            return False
        cut, at = self._too_much
        return length >= cut and self._monotonic() - at < _CUT_HOLDS_SECONDS


@dataclass(frozen=True)
class _Drafting:
    """One draft under way."""

    drafter: LlmDrafter
    client: AsyncOpenAI
    budget: Budget
    segments: Sequence[Segment]
    chart: Chart

    async def parts(self) -> list[Proposal]:
        """The proposal of each part, from memory where it is known."""
        drafter = self.drafter
        known = digests(self.segments, self.chart, drafter.name)
        memory, done = drafter._memory, list[Proposal]()
        for first, last in cuts(self.segments, drafter._settings.part_tokens):
            found = memory.find(first, known[last])
            if found is None:
                draft = memory.earlier(first, last, known)
                found = await self._propose(first, last, done, draft)
                memory.keep(first, known[last], found)
            done.append(found)
        return done

    async def _propose(
        self, first: int, last: int, written: Sequence[Proposal], draft: Proposal | None
    ) -> Proposal:
        """What the model proposes for `[first, last)`, in halves as long as it is too much."""
        content = data(self.segments[first:last], self.chart, written=written, draft=draft)
        try:
            return _proposal(await self.drafter.answer(self.client, content, self.budget))
        except faults.TooLong:
            if last - first < 2:
                raise
        middle = (first + last) // 2
        front = await self._propose(first, middle, written, None)
        back = await self._propose(middle, last, [*written, front], None)
        return {code: (*front.get(code, ()), *back.get(code, ())) for code in {*front, *back}}


def _proposal(reply: Reply) -> Proposal:
    if reply.refusal:
        raise faults.refused()
    if reply.finish == "content_filter":
        raise faults.filtered()
    if reply.finish == "length":
        raise faults.too_long()
    try:
        return parse(reply.text)
    except NotANote:
        raise (faults.formless() if reply.finish else faults.broken_off()) from None


def _checked(proposals: list[Proposal], segments: Sequence[Segment], chart: Chart) -> NoteDraft:
    return without_repeats(verify(joined(proposals), segments, chart))
