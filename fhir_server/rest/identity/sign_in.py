"""POST /auth/login, /auth/login/code and /auth/logout, GET /auth/me.

Errors are RFC 6749 section 5.2 JSON. Who has a second factor is answered 401
`second_factor_required` with a `continuation` for the second step.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.authenticator import IssuedToken
from fhir_server.auth.caller import Caller
from fhir_server.auth.sign_in import SecondFactorRequired
from fhir_server.errors import NotAuthenticated, RateLimited
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from fhir_server.rest.identity.person import session_of
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.store.accounts import Account


class Credentials(BaseModel):
    """What the sign-in form sends."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)


class User(BaseModel):
    """The person behind a token."""

    reference: str
    display: str


class SignedIn(BaseModel):
    """RFC 6749 section 5.1, with the user."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the RFC's word, no secret
    expires_in: int
    scope: str
    user: User


class Code(BaseModel):
    """The second step."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    continuation: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=40)


def sign_in_router() -> APIRouter:
    """The routes of signing in and out."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/login", _login, methods=["POST"], response_model=SignedIn)
    router.add_api_route("/login/code", _code, methods=["POST"], response_model=SignedIn)
    router.add_api_route("/logout", _logout, methods=["POST"], status_code=204)
    router.add_api_route("/me", _me, methods=["GET"], response_model=User)
    return router


async def _login(credentials: Credentials, request: Request) -> Response:
    sign_in = fhir_of(request).sign_in.sign_in
    return await _signed_in(
        request, sign_in(credentials.username, credentials.password, session_of(request))
    )


async def _code(sent: Code, request: Request) -> Response:
    sign_in = fhir_of(request).sign_in.sign_in_with_code
    return await _signed_in(request, sign_in(sent.continuation, sent.code, session_of(request)))


async def _signed_in(
    request: Request, attempt: Coroutine[Any, Any, tuple[Account, IssuedToken]]
) -> Response:
    try:
        account, token = await attempt
    except SecondFactorRequired as step:
        return _json(
            {
                "error": "second_factor_required",
                "error_description": str(step),
                "continuation": step.continuation,
                "factors": list(step.factors),
            },
            401,
        )
    except (NotAuthenticated, RateLimited):
        await fhir_of(request).refused("login", address_of(request), request_id_of(request))
        raise
    caller = Caller(account.reference, account.display, token.scope, account.roles)
    await record(request, caller, "login")
    user = User(reference=account.reference, display=account.display)
    signed_in = SignedIn(
        access_token=token.access_token,
        expires_in=token.expires_in,
        scope=token.scope,
        user=user,
    )
    return _json(signed_in.model_dump(), 200)


def _json(told: dict[str, Any], status: int) -> Response:
    return Response(dumps(told), status, NO_STORE, "application/json")


async def _logout(request: Request) -> Response:
    caller = await caller_of(request)
    await fhir_of(request).authenticator.revoke(caller)
    await record(request, caller, "logout")
    return Response(status_code=204)


async def _me(request: Request) -> User:
    caller = await caller_of(request)
    return User(reference=caller.reference, display=caller.display)
