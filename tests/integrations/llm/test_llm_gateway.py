"""Gateways that answer a request for a stream with one completion."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.engines.errors import (
    EngineError,
    EngineLimit,
    EngineThrottled,
    EngineUnavailable,
)
from pipelines.ports import Chart, Tokens
from tests.integrations.llm.asked import VISIT, drafter, spoken, texts
from tests.integrations.llm.test_llm_drafter import ALL, GOOD
from tests.stand_ins.openai_server import Say, error, openai_server

pytestmark = pytest.mark.usefixtures("no_blocking")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
async def test_a_gateway_that_does_not_stream_is_understood(kind: str) -> None:
    async with openai_server(replace(GOOD, whole=kind)) as server:
        draft = await drafter(server).draft(spoken(VISIT), Chart())
    assert texts(draft) == ALL
    assert draft.tokens == Tokens(server.length(server.requests[0]) // 4, 20)
    assert server.faults == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (replace(GOOD, finish="length"), EngineLimit),
        (replace(GOOD, text="", refusal="I cannot."), EngineLimit),
        (replace(GOOD, text="no note"), EngineUnavailable),
    ],
)
async def test_what_it_does_not_answer_is_a_fault_as_in_a_stream(
    answer: Say, kind: type[EngineError]
) -> None:
    async with openai_server(replace(answer, whole="application/json")) as server:
        with pytest.raises(kind):
            await drafter(server).draft(spoken(VISIT[:1]), Chart())


async def test_an_error_under_200_is_told() -> None:
    async with openai_server(error(200, "Rate limit reached")) as server:
        with pytest.raises(EngineThrottled):
            await drafter(server).draft(spoken(VISIT), Chart())
