"""OAuth errors as JSON. RFC 6749 section 5.2."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.smart.errors import OAuthError
from fhir_server.resource import dumps

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""On whatever holds a token or says something about one. RFC 6749 5.1."""


def install(app: FastAPI) -> None:
    """Render every `OAuthError` of `app`."""
    app.add_exception_handler(OAuthError, _oauth_error)


def render(error: OAuthError) -> Response:
    """The response of a refusal."""
    body = dumps({"error": error.error, "error_description": error.description})
    headers = {**NO_STORE, **error.headers}
    return Response(body, error.status, headers, "application/json")


async def _oauth_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)
    return render(error)
