"""When an engine is asked, asked again, and left alone. docs/decisions/0031"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.back_off import back_off
from pipelines.engines.circuit import Circuit, CircuitState
from pipelines.engines.errors import (
    EngineError,
    EngineLimit,
    EngineRejected,
    EngineThrottled,
    EngineUnavailable,
)
from pipelines.engines.meter import Unmetered
from pipelines.engines.policy import Engine, EngineOrder, Run
from pipelines.engines.settings import PolicySettings
from pipelines.engines.usage import PriceSettings, PriceTable, Work

AWAY = EngineUnavailable("e", "It is away.", "Wait.")
REFUSED = EngineRejected("e", "No permission.", "Give it one.")
TOO_MUCH = EngineLimit("e", "Too long.", "Make it shorter.")
SETTINGS = PolicySettings(
    attempts=2,
    retry_seconds=1,
    longest_wait_seconds=10,
    failures=3,
    open_seconds=30,
    longest_open_seconds=100,
)


def throttled(seconds: float | None) -> EngineThrottled:
    return EngineThrottled("e", "Too many requests.", "Wait.", seconds)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def order(clock: Clock, *keys: str, roll: float = 0.0) -> EngineOrder[str]:
    engines = [Engine(key, key, Circuit(SETTINGS, clock)) for key in keys]
    return EngineOrder(Work.NOTE, engines, SETTINGS, random=lambda: roll, meter=Unmetered())


def fail(run: Run[str], error: EngineError, *, key: str) -> float:
    engine = run.next()
    assert engine is not None
    assert engine.key == key
    return run.failed(engine, error)


@given(st.floats(0, 5), st.floats(0.1, 60), st.integers(1, 10_000), st.floats(0, 0.999))
def test_waits_grow_to_the_longest_and_never_beyond(
    first: float, longest: float, failures: int, roll: float
) -> None:
    wait = back_off(first, longest, failures, lambda: roll)
    assert min(first, longest) / 2 <= wait <= longest


def test_a_failure_is_tried_again_after_a_wait_then_the_next_engine() -> None:
    run = order(Clock(), "a", "b").run()
    assert fail(run, AWAY, key="a") == 1
    assert fail(run, AWAY, key="a") == 0
    assert fail(run, AWAY, key="b") == 1
    assert fail(run, AWAY, key="b") == 0
    assert run.next() is None


def test_jitter_takes_off_up_to_a_half() -> None:
    assert fail(order(Clock(), "a", "b", roll=0.5).run(), AWAY, key="a") == 0.75


def test_what_nobody_can_repeat_goes_to_the_next_engine_at_once() -> None:
    run = order(Clock(), "a", "b").run()
    assert fail(run, REFUSED, key="a") == 0
    assert fail(run, AWAY, key="b") == 1


def test_a_wait_that_is_asked_for_is_kept() -> None:
    run = order(Clock(), "a", "b").run()
    assert fail(run, throttled(4), key="a") == 4
    assert fail(run, throttled(None), key="a") == 0


def test_a_wait_that_is_too_long_is_waited_by_nobody() -> None:
    clock = Clock()
    made = order(clock, "a", "b")
    run = made.run()
    assert fail(run, throttled(55), key="a") == 0
    assert fail(run, AWAY, key="b") == 1
    clock.now = 54
    assert made.engines[0].circuit.state is CircuitState.OPEN
    clock.now = 55
    assert made.engines[0].circuit.state is CircuitState.HALF_OPEN


def test_a_limit_concerns_one_piece_of_work_alone() -> None:
    made = order(Clock(), "a", "b")
    run = made.run()
    fail(run, TOO_MUCH, key="a")
    engine = run.next()
    assert engine is not None
    assert engine.key == "b"
    run.new_round()
    engine = run.next()
    assert engine is not None
    assert engine.key == "b"
    other = made.run().next()
    assert other is not None
    assert other.key == "a", "what is too much for one visit says nothing of the next"


def test_an_engine_that_keeps_failing_is_left_alone_and_tried_again() -> None:
    clock = Clock()
    circuit = Circuit(SETTINGS, clock)
    states: list[CircuitState] = []
    circuit = Circuit(SETTINGS, clock, states.append)
    for _ in range(3):
        assert circuit.admits
        circuit.failed(AWAY)
    assert not circuit.admits
    clock.now = 30
    assert circuit.admits
    circuit.asked()
    assert not circuit.admits, "one trial at a time"
    circuit.failed(AWAY)
    clock.now = 89
    assert not circuit.admits, "twice as long"
    clock.now = 90
    circuit.asked()
    circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED
    assert states == ["open", "half-open", "open", "half-open", "closed"]


def test_a_success_between_them_makes_up_for_failures() -> None:
    circuit = Circuit(SETTINGS, Clock())
    for _ in range(5):
        circuit.failed(AWAY)
        circuit.failed(AWAY)
        circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED


def test_a_trial_that_nobody_reports_is_forgotten() -> None:
    clock = Clock()
    circuit = Circuit(SETTINGS, clock)
    circuit.failed(REFUSED)
    clock.now = 31
    circuit.asked()
    clock.now = 61
    assert circuit.admits


def test_a_trial_beyond_a_limit_leaves_the_next_one_free() -> None:
    clock = Clock()
    circuit = Circuit(SETTINGS, clock)
    circuit.failed(REFUSED)
    clock.now = 31
    circuit.asked()
    circuit.failed(TOO_MUCH)
    assert circuit.admits
    circuit.asked()
    circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED


def test_the_first_engine_comes_back_once_it_has_worked_for_anybody() -> None:
    clock = Clock()
    made = order(clock, "a", "b")
    run = made.run()
    fail(run, AWAY, key="a")
    fail(run, AWAY, key="a")
    second = run.next()
    assert second is not None
    assert not run.better(second)
    made.engines[0].circuit.succeeded()
    assert run.better(second)
    back = run.next()
    assert back is made.engines[0]


def test_without_trials_a_broken_engine_is_asked_only_when_no_other_works() -> None:
    clock = Clock()
    made = order(clock, "a", "b")
    made.engines[0].circuit.failed(REFUSED)
    clock.now = 31
    chosen = made.run().next(trials=False)
    assert chosen is made.engines[1]
    made.engines[1].circuit.failed(REFUSED)
    chosen = made.run().next(trials=False)
    assert chosen is made.engines[0]


@pytest.mark.parametrize(
    ("engine", "amount"),
    [
        ("whisper tiny.en", 0.0),
        ("amazon-transcribe 2017-10-26", 0.024),
        ("amazon-transcribe-medical 2017-10-26", 0.075),
        ("openai gpt-4o-mini-2024-07-18 prompt 1", 0.15 + 0.6),
        ("openai gpt-4o prompt 1", 2.5 + 10),
        ("openai llama prompt 1", None),
    ],
)
def test_costs_are_estimated_by_the_engine_s_name(engine: str, amount: float | None) -> None:
    cost = PriceTable({}).cost(engine, audio_seconds=60, tokens_in=1_000_000, tokens_out=1_000_000)
    assert (None if cost is None else cost.amount) == pytest.approx(amount)


def test_own_prices_come_first() -> None:
    own = {"llama": PriceSettings(per_million_tokens_in=3, currency="EUR")}
    cost = PriceTable(own).cost("openai llama prompt 1", tokens_in=2_000_000)
    assert cost is not None
    assert (cost.amount, cost.currency) == (6, "EUR")


def test_every_price_says_whether_somebody_has_compared_it() -> None:
    table = json.loads(files("pipelines.engines").joinpath("data/prices.json").read_text("utf-8"))
    for entry in table["prices"]:
        assert isinstance(entry["verified"], bool)
        assert entry["source"]
        assert entry["date"]
