"""GET /metrics: what operators watch, in the text format of Prometheus.

Labels are names of engines, of routes, of outcomes and of HL7 v2 feeds. Nothing of a patient is in
them, and no id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from secrets import compare_digest

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.engines.circuit import CircuitState
from pipelines.engines.meter import Latency
from pipelines.engines.usage import Usage, Work

_WAITS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
_WORK = (0.05, 0.25, 1, 2.5, 5, 10, 20, 30, 60, 300, 1800)
_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """All figures of one process. Implements `pipelines.engines.meter.Meter`."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        named = ["work", "engine"]
        self._seconds = Histogram(
            "aimed_engine_seconds",
            "Time that one draft, or one session of speech, took.",
            named,
            buckets=_WORK,
            registry=registry,
        )
        self._audio = Counter(
            "aimed_engine_audio_seconds", "Audio given to an engine.", named, registry=registry
        )
        self._tokens = Counter(
            "aimed_engine_tokens", "Tokens.", [*named, "direction"], registry=registry
        )
        self._cost = Counter(
            "aimed_engine_cost", "Estimated cost.", [*named, "currency"], registry=registry
        )
        self._failures = Counter(
            "aimed_engine_failures", "Failures by kind.", [*named, "kind"], registry=registry
        )
        self._circuit = Gauge(
            "aimed_engine_circuit_open",
            "0: the engine is asked, 1: left alone for a while, 0.5: on trial.",
            named,
            registry=registry,
        )
        self._latency = Histogram(
            "aimed_latency_seconds",
            "From the sound, or the last words for a note, to what is shown.",
            ["of"],
            buckets=_WAITS,
            registry=registry,
        )
        self._feeds = Gauge(
            "aimed_hl7v2_feed",
            "HL7 v2 by listener and destination: messages, and seconds where the figure says so.",
            ["side", "feed", "figure"],
            registry=registry,
        )
        self._requests = Histogram(
            "aimed_http_request_seconds",
            "Requests by route.",
            ["method", "route", "status"],
            buckets=_REQUESTS,
            registry=registry,
        )

    @property
    def registry(self) -> CollectorRegistry:
        """Where the figures are."""
        return self._registry

    def used(self, engine: str, usage: Usage) -> None:
        """An engine did something."""
        work = str(usage.work)
        self._seconds.labels(work, engine).observe(usage.seconds)
        if usage.audio_seconds:
            self._audio.labels(work, engine).inc(usage.audio_seconds)
        for direction, tokens in (("in", usage.tokens_in), ("out", usage.tokens_out)):
            if tokens:
                self._tokens.labels(work, engine, direction).inc(tokens)
        if usage.cost is not None:
            self._cost.labels(work, engine, usage.cost.currency).inc(usage.cost.amount)

    def failed(self, work: Work, engine: str, kind: str) -> None:
        """An engine failed."""
        self._failures.labels(str(work), engine, kind).inc()

    def circuit(self, work: Work, engine: str, state: CircuitState) -> None:
        """An engine's circuit changed."""
        value = {CircuitState.CLOSED: 0.0, CircuitState.HALF_OPEN: 0.5, CircuitState.OPEN: 1.0}
        self._circuit.labels(str(work), engine).set(value[state])

    def latency(self, of: Latency, seconds: float) -> None:
        """How long somebody waited for something to appear."""
        self._latency.labels(of).observe(seconds)

    def feeds(self, gauges: Mapping[str, Mapping[str, float]]) -> None:
        """How the feeds of HL7 v2 do now, as `feeds.figures.gauges` tells it, and no others."""
        self._feeds.clear()
        for side, figures in gauges.items():
            for name, value in figures.items():
                feed, _, figure = name.rpartition(".")
                self._feeds.labels(side, feed, figure).set(value)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the template, never the path."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def metrics_router(
    metrics: Metrics, token: str, *, fresh: Callable[[Request], Awaitable[None]]
) -> APIRouter:
    """The route, for who has the token. `fresh` brings in what is looked up when asked for."""
    router = APIRouter()
    expected = f"Bearer {token}".encode()

    async def show(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not compare_digest(given, expected):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        await fresh(request)
        # A few hundred lines: quicker made here than handed to a thread.
        return Response(
            generate_latest(metrics.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
        )

    router.add_api_route("/metrics", show, methods=["GET"], response_model=None)
    return router
