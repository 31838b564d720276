"""/metrics: for who has the token, and without anything of a patient."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from aimed.assembly import create_app
from aimed.hl7v2 import open_intake
from aimed.metrics import Metrics
from aimed.settings import MetricsSettings, Settings
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.source import Source
from pipelines.engines.circuit import CircuitState
from pipelines.engines.usage import Cost, Usage, Work
from tests.smart_app.conftest import Desk

TOKEN = "a-token-of-24-characters"


def app(desk: Desk, token: str = TOKEN) -> FastAPI:
    """The application as `aimed serve` has it, on the desk's server."""
    made = create_app(Settings.model_validate({"metrics": {"token": token}}))
    made.state.fhir = desk.fhir
    made.state.consultations = desk.consultations
    made.state.redis = None
    return made


def client(made: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=made), base_url="https://test")


@pytest.mark.parametrize("given", [None, "Bearer ", "Bearer wrong", TOKEN, "Bearer \u00fc"])
async def test_nobody_else_reads_them(desk: Desk, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode()}
    async with client(app(desk)) as http:
        answer = await http.get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert "aimed_" not in answer.text


async def test_without_a_token_there_is_no_such_page(desk: Desk) -> None:
    async with client(app(desk, "")) as http:
        assert (await http.get("/metrics")).status_code == 404


def test_a_token_is_hard_to_guess() -> None:
    with pytest.raises(ValidationError):
        MetricsSettings.model_validate({"token": "short"})


async def test_requests_are_counted_by_route_and_never_by_path(desk: Desk) -> None:
    async with client(app(desk)) as http:
        await http.get("/health/live")
        await http.get("/static/quackenbush.js?name=zebedee")
        await http.get("/quackenbush")
        answer = await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'route="/health/live",status="200"' in answer.text
    assert 'route="unmatched"' in answer.text
    assert "quackenbush" not in answer.text
    assert "zebedee" not in answer.text


def test_engines_are_counted() -> None:
    metrics = Metrics()
    cost = Cost(0.5, "USD")
    metrics.used("aws", Usage(Work.TRANSCRIPTION, "amazon 1", 3.0, 60.0, cost=cost))
    metrics.used("openai", Usage(Work.NOTE, "gpt 1", 3.0, tokens_in=100, tokens_out=20))
    metrics.failed(Work.NOTE, "openai", "EngineThrottled")
    metrics.circuit(Work.NOTE, "openai", CircuitState.OPEN)
    metrics.latency("first_partial", 0.4)
    value = metrics.registry.get_sample_value
    aws, note = (
        {"work": "transcription", "engine": "aws"},
        {"work": "note", "engine": "openai"},
    )
    assert value("aimed_engine_audio_seconds_total", aws) == 60
    assert value("aimed_engine_cost_total", {**aws, "currency": "USD"}) == 0.5
    assert value("aimed_engine_tokens_total", {**note, "direction": "out"}) == 20
    assert value("aimed_engine_failures_total", {**note, "kind": "EngineThrottled"}) == 1
    assert value("aimed_engine_circuit_open", note) == 1
    assert value("aimed_latency_seconds_count", {"of": "first_partial"}) == 1


async def test_feeds_of_hl7v2_by_their_names(desk: Desk) -> None:
    database = desk.fhir.server.store.database
    raw = b"MSH|^~\\&|LAB|CITY|AIMED|AIMED|20260131||ADT^A08|Q1|P|2.5\rPID|1||quackenbush\r"
    async with open_intake(database, Hl7v2Settings()) as intake:
        await intake.receive(raw, Source("default", "127.0.0.1"))
    async with client(app(desk)) as http:
        text = (await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).text
    assert 'aimed_hl7v2_feed{feed="default",figure="waiting",side="listener"} 1.0' in text
    assert 'aimed_hl7v2_feed{feed="events",figure="waiting",side="destination"} 0.0' in text
    assert "quackenbush" not in text
