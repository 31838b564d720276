"""Logs: one line an event, ids and types only. Patient data never gets here.

No body, no query string and no exception text is logged: each may hold what a patient said.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ID = re.compile(r"[A-Za-z0-9\-_.]{1,64}")
_log = structlog.get_logger("aimed.http")


def configure_logging(format: Literal["console", "json"]) -> None:
    """Set structlog up for this process."""
    renderer = (
        structlog.processors.JSONRenderer()
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )


@contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Keep the log off standard output, which is for what a command answers."""
    before = structlog.get_config()
    structlog.configure(logger_factory=_stderr_logger, cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def _stderr_logger(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


class RequestLog:
    """Gives each request an id, answers it as X-Request-Id, and logs method, route and time.

    `observe` is told method, route, status and seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        new_id: Callable[[], str],
        observe: Callable[[str, str, int, float], None],
    ) -> None:
        self._app = app
        self._new_id = new_id
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the caller's X-Request-Id if it is a plain id, else make one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or self._new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, watch)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                seconds = time.perf_counter() - began
                self._observe(scope["method"], route, status, seconds)
                _log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(seconds * 1000, 1),
                )


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            return text if _ID.fullmatch(text) else None
    return None
