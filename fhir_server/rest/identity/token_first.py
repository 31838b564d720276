"""Routes for who has signed in judge the token before the body. RFC 9110 section 15.5.2.

FastAPI reads and checks a body before the endpoint runs, so that without a token a wrong body would
be told in detail and with 400.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.rest.caller import caller_of

Answering = Callable[[Request], Coroutine[Any, Any, Response]]


class TokenFirst(APIRoute):
    """A route whose wrong bodies are told only to holders of a token; others get 401."""

    def get_route_handler(self) -> Answering:
        """The usual handler. Where it refuses the body it raises `NotAuthenticated` instead."""
        usual = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await usual(request)
            except (RequestValidationError, HTTPException):
                await caller_of(request, enrolling=True)
                raise

        return answer
