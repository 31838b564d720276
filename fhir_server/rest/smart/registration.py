"""POST /auth/register, and GET, PUT, DELETE /auth/register/{client_id}. RFC 7591 and RFC 7592."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.caller import Caller
from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.clients.metadata import describe
from fhir_server.auth.smart.clients.registration import Registration
from fhir_server.auth.smart.errors import InvalidClientMetadata
from fhir_server.errors import Malformed
from fhir_server.resource import dumps, loads
from fhir_server.rest.body import read_body
from fhir_server.rest.recording import record, refusals_recorded
from fhir_server.rest.smart.errors import NO_STORE

PATH = "/auth/register"
_LARGEST = 128 * 1024
_LONGEST = 1000
"""Characters of an address in a record: anybody may send anything."""
_ONE = "/{client_id}"


Recorder = Callable[[Request, str | None, int], Awaitable[None]]
"""Notes in the audit trail that the client of that id was registered, changed or removed, or, with
the status and without a client, that somebody was refused it."""


def registration_router(
    registration_of: Callable[[Request], Registration], recorded: Recorder
) -> APIRouter:
    """The routes. `registration_of` finds the registration of the application of a request."""

    async def register(request: Request) -> Response:
        async with refusals_recorded(partial(recorded, request, None)):
            sent = await _metadata(request)
            new = await registration_of(request).register(sent, _bearer(request))
        await recorded(request, new.client.id, 201)
        return _response(request, new.client, new.registration_token, new.secret, status=201)

    async def read(request: Request, client_id: str) -> Response:
        token = _bearer(request)
        async with refusals_recorded(partial(recorded, request, None)):
            client = await registration_of(request).read(client_id, token)
        return _response(request, client, token)

    async def update(request: Request, client_id: str) -> Response:
        async with refusals_recorded(partial(recorded, request, None)):
            sent, token = await _metadata(request), _bearer(request)
            changed = await registration_of(request).update(client_id, token, sent)
        await recorded(request, client_id, 200)
        return _response(request, changed.client, token, changed.secret)

    async def remove(request: Request, client_id: str) -> Response:
        async with refusals_recorded(partial(recorded, request, None)):
            await registration_of(request).remove(client_id, _bearer(request))
        await recorded(request, client_id, 204)
        return Response(status_code=204, headers=NO_STORE)

    router = APIRouter(prefix=PATH)
    router.add_api_route("", register, methods=["POST"], response_model=None)
    router.add_api_route(_ONE, read, methods=["GET"], response_model=None)
    router.add_api_route(_ONE, update, methods=["PUT"], response_model=None)
    router.add_api_route(_ONE, remove, methods=["DELETE"], response_model=None)
    return router


async def record_registration(request: Request, client_id: str | None, status: int) -> None:
    """The `Recorder` of the server."""
    if client_id is None:
        await record(request, None, "registration", status, query=request.url.path[:_LONGEST])
        return
    caller = Caller(f"Device/{client_id}", "an application", "", client=client_id)
    await record(request, caller, "registration", status)


async def _metadata(request: Request) -> dict[str, Any]:
    body = await read_body(request, _LARGEST)
    media, _, _ = request.headers.get("content-type", "").partition(";")
    if media.strip().lower() != "application/json":
        raise InvalidClientMetadata("A registration is sent as application/json.")
    try:
        sent = loads(body)
    except (Malformed, ValueError):
        raise InvalidClientMetadata("The registration is no JSON.") from None
    if not isinstance(sent, dict):
        raise InvalidClientMetadata("A registration is a JSON object.")
    return sent


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _response(
    request: Request,
    client: Client,
    token: str | None,
    secret: str | None = None,
    status: int = 200,
) -> Response:
    """RFC 7591 3.2.1. An old secret is not repeated: only its hash is kept."""
    body = describe(client)
    if secret is not None:
        body |= {"client_secret": secret, "client_secret_expires_at": 0}
    body["registration_access_token"] = token
    body["registration_client_uri"] = f"{str(request.base_url).rstrip('/')}{PATH}/{client.id}"
    return Response(dumps(body), status, NO_STORE, "application/json")
