"""Where somebody is signed in, and ending that: /auth/sessions. OWASP ASVS 5.0 V7.5."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.clock import instant
from fhir_server.errors import ResourceNotFound
from fhir_server.resource import dumps
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.person import person_of
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.store.accounts import Token

_ID = 16
"""Digits of a token's hash that name it: nobody can use a session by them."""


def sessions_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth/sessions")
    router.add_api_route("", _list, methods=["GET"], response_model=None)
    router.add_api_route("", _end_others, methods=["DELETE"], response_model=None)
    router.add_api_route("/{id}", _end, methods=["DELETE"], response_model=None)
    return router


async def _list(request: Request) -> Response:
    caller, account = await person_of(request)
    sessions = await fhir_of(request).tokens.of_subject(account.username)
    told = {"sessions": [_told(one, current=one.hash == caller.token) for one in sessions]}
    return Response(dumps(told), headers=NO_STORE, media_type="application/json")


async def _end(id: str, request: Request) -> Response:
    caller, account = await person_of(request)
    tokens = fhir_of(request).tokens
    found = [one for one in await tokens.of_subject(account.username) if one.hash[:_ID] == id]
    if not found:
        raise ResourceNotFound("You have no such session.")
    await tokens.remove(found[0].hash)
    await record(request, caller, "logout")
    return Response(status_code=204, headers=NO_STORE)


async def _end_others(request: Request) -> Response:
    caller, account = await person_of(request)
    await fhir_of(request).tokens.remove_others(account.username, caller.token)
    await record(request, caller, "logout")
    return Response(status_code=204, headers=NO_STORE)


def _told(token: Token, *, current: bool) -> dict[str, Any]:
    return {
        "id": token.hash[:_ID],
        "current": current,
        "issued": instant(token.issued),
        "last_used": instant(token.used or token.issued),
        "expires": instant(token.expires),
        "address": token.address,
        "agent": token.agent,
        "client": token.client,
    }
