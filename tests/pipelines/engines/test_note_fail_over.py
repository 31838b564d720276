"""A real language model client fails over to the rules and comes back, over the wire."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipelines.engines.policy import NoEngine
from pipelines.engines.settings import PolicySettings
from pipelines.note import RulesDrafter
from pipelines.ports import Chart, Role, Segment
from tests.integrations.llm.asked import drafter
from tests.pipelines.engines.ordered import drafters
from tests.stand_ins.openai_server import error, openai_server, quoting

SAID = [
    Segment("s1", 1, Role.PATIENT, 0.0, 2.0, "I have had a bad cough for three days.", 0.9),
    Segment("s2", 0, Role.DOCTOR, 3.0, 5.0, "I will prescribe amoxicillin 500 milligrams.", 0.9),
]
QUICK = PolicySettings(
    attempts=2, retry_seconds=0.01, longest_wait_seconds=1, failures=2, open_seconds=0.05
)
DOWN = error(500, "The server had an error.")


async def test_the_model_is_tried_again_then_the_rules_write_then_the_model_again() -> None:
    async with openai_server(DOWN, DOWN, quoting) as server:
        model = drafter(server)
        made = drafters(model, RulesDrafter(), settings=QUICK)
        first = await made.draft(SAID, Chart())
        assert first.engine == "rules 1"
        assert len(server.requests) == 2
        assert [one.engine for one in first.usage] == [model.name, model.name, "rules 1"]
        more = Segment("s3", 1, Role.PATIENT, 6.0, 7.0, "I had fever yesterday.", 0.9)
        await asyncio.sleep(0.06)
        second = await made.draft([*SAID, more], Chart())
        assert second.engine == model.name
        assert second.usage[-1].tokens_in > 0
        assert server.faults == []


async def test_a_wait_that_the_server_asks_for_is_kept() -> None:
    busy = error(429, "Too many requests.", headers={"Retry-After": "1"})
    async with openai_server(busy, quoting) as server:
        made = drafters(drafter(server), RulesDrafter(), settings=QUICK)
        began = time.monotonic()
        draft = await made.draft(SAID, Chart())
        assert time.monotonic() - began >= 1
        assert draft.engine.startswith("openai")


async def test_a_wrong_key_is_not_tried_twice() -> None:
    async with openai_server(error(401, "Incorrect API key provided.")) as server:
        made = drafters(drafter(server), RulesDrafter(), settings=QUICK)
        assert (await made.draft(SAID, Chart())).engine == "rules 1"
        assert len(server.requests) == 1
        alone = drafters(drafter(server), settings=QUICK)
        with pytest.raises(NoEngine):
            await alone.draft(SAID, Chart())
