"""The caller of an HTTP request. RFC 6750 section 2.1: the token is in the Authorization header."""

from __future__ import annotations

from starlette.requests import Request

from fhir_server.auth.caller import Caller
from fhir_server.errors import NotAuthenticated
from fhir_server.server import FhirServer


def fhir_of(request: Request) -> FhirServer:
    """The FHIR server that the application opened at its start."""
    server: FhirServer = request.app.state.fhir
    return server


async def caller_of(request: Request, *, enrolling: bool = False) -> Caller:
    """Whoever holds the bearer token. Raises `NotAuthenticated`, `NotPermitted`, `RateLimited`.

    `enrolling` admits who has to set up a second factor first.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("Sign in and send the token as Authorization: Bearer.")
    fhir = fhir_of(request)
    caller = await fhir.authenticator.authenticate(token.strip(), enrolling=enrolling)
    await fhir.rate_limits.known(caller, request.method, request.url.path)
    return caller


def address_of(request: Request) -> str | None:
    """The peer's network address, for the audit."""
    return request.client.host if request.client else None


def request_id_of(request: Request) -> str | None:
    """The id that logs, errors and audit of this request share."""
    found: str | None = getattr(request.state, "request_id", None)
    return found
