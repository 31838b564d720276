"""POST /auth/password-reset, and /auth/password-reset/finish with the token of the mail."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.caller import Caller
from fhir_server.auth.identity.password_policy import WeakPassword
from fhir_server.auth.identity.password_reset import SpentReset
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, fhir_of, request_id_of
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE

_ASKED = "If an account has this address, a mail with a link is on its way. The link works once."


class Asked(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    email: str = Field(min_length=3, max_length=254)


class Finish(BaseModel):
    """The token of the mail and the new password."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)


def password_reset_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth/password-reset")
    router.add_api_route("", _ask, methods=["POST"], response_model=None)
    router.add_api_route("/finish", _finish, methods=["POST"], response_model=None)
    return router


async def _ask(sent: Asked, request: Request) -> Response:
    await fhir_of(request).password_reset.ask(sent.email)
    return _json({"message": _ASKED}, 202)


async def _finish(sent: Finish, request: Request) -> Response:
    try:
        account = await fhir_of(request).password_reset.finish(sent.token, sent.password)
    except WeakPassword as error:
        return _json({"error": "weak_password", "error_description": str(error)}, 400)
    except SpentReset as error:
        await fhir_of(request).refused("credentials", address_of(request), request_id_of(request))
        return _json({"error": "invalid_grant", "error_description": str(error)}, 400)
    caller = Caller(account.reference, account.display, "", account.roles)
    await record(request, caller, "credentials")
    return Response(status_code=204, headers=NO_STORE)


def _json(told: dict[str, str], status: int) -> Response:
    return Response(dumps(told), status, NO_STORE, "application/json")
