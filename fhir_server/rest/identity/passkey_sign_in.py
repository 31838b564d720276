"""POST /auth/login/passkey/options and /auth/login/passkey: alone, or after the first factor."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.resource import dumps
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.party import party_of
from fhir_server.rest.identity.person import session_of
from fhir_server.rest.identity.sign_in import signed_in
from fhir_server.rest.smart.errors import NO_STORE


class Begin(BaseModel):
    """With a `continuation` the passkey is the second factor."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    continuation: str = Field(default="", max_length=200)


class Credential(BaseModel):
    """What `navigator.credentials.get` gave, as WebAuthn's AuthenticationResponseJSON."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    continuation: str = Field(default="", max_length=200)
    credential: dict[str, Any]


def passkey_sign_in_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth/login/passkey")
    router.add_api_route("/options", _options, methods=["POST"], response_model=None)
    router.add_api_route("", _sign_in, methods=["POST"], response_model=None)
    return router


async def _options(sent: Begin, request: Request) -> Response:
    party = party_of(request)
    told = await fhir_of(request).sign_in.passkey_options(party, sent.continuation)
    return Response(dumps({"publicKey": told}), headers=NO_STORE, media_type="application/json")


async def _sign_in(sent: Credential, request: Request) -> Response:
    attempt = fhir_of(request).sign_in.sign_in_with_passkey(
        sent.credential, party_of(request), session_of(request), sent.continuation
    )
    way = "passkey after the first factor" if sent.continuation else "passkey"
    return await signed_in(request, attempt, way)
