"""POST /auth/login, /auth/login/code and /auth/logout, GET /auth/me and /auth/ways.

Errors are RFC 6749 section 5.2 JSON. Who has a second factor is answered 401
`second_factor_required` with a `continuation` for the second step; who has to set another password
is answered `password_change_required` with one for POST /auth/password/link.
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
from fhir_server.auth.identity.provider_sign_in import NotLinked
from fhir_server.auth.sign_in import CopiedPasskey, PasswordChangeRequired, SecondFactorRequired
from fhir_server.errors import FhirError, NotAuthenticated, NotSupported, RateLimited
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from fhir_server.rest.identity.party import party_of
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
    """RFC 6749 section 5.1, with the user. Who is `enrolling` has to set up a second factor first:
    the token is for nothing else until then.
    """

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the RFC's word, no secret
    expires_in: int
    scope: str
    user: User
    enrolling: bool = False


class Code(BaseModel):
    """The second step."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    continuation: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=40)


_CLEARED = {**NO_STORE, "Clear-Site-Data": '"cache", "cookies"'}
"""The browser forgets what it kept of us. Not "storage": whether somebody likes it dark is there,
and the page itself removes the token. ASVS 5.0 V14.3.1."""


def sign_in_router() -> APIRouter:
    """The routes of signing in and out."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/login", _login, methods=["POST"], response_model=SignedIn)
    router.add_api_route("/login/code", _code, methods=["POST"], response_model=SignedIn)
    router.add_api_route("/logout", _logout, methods=["POST"], status_code=204)
    router.add_api_route("/me", _me, methods=["GET"], response_model=User)
    router.add_api_route("/ways", _ways, methods=["GET"], response_model=None)
    return router


async def _login(credentials: Credentials, request: Request) -> Response:
    sign_in = fhir_of(request).sign_in.sign_in
    attempt = sign_in(credentials.username, credentials.password, session_of(request))
    return await signed_in(request, attempt, "password")


async def _code(sent: Code, request: Request) -> Response:
    sign_in = fhir_of(request).sign_in.sign_in_with_code
    attempt = sign_in(sent.continuation, sent.code, session_of(request))
    return await signed_in(request, attempt, "code after the first factor")


async def signed_in(
    request: Request, attempt: Coroutine[Any, Any, tuple[Account, IssuedToken]], way: str
) -> Response:
    """What a sign-in answers, whatever way it went; it is in the audit trail, failed or not."""
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
    except PasswordChangeRequired as step:
        return _json(
            {
                "error": "password_change_required",
                "error_description": str(step),
                "continuation": step.continuation,
            },
            401,
        )
    except (NotAuthenticated, NotLinked, RateLimited) as error:
        await _failed(request, error, way)
        raise
    caller = Caller(account.reference, account.display, token.scope, account.roles)
    await record(request, caller, "login", way=way)
    await _end_replaced(request, account)
    told = SignedIn(
        access_token=token.access_token,
        expires_in=token.expires_in,
        scope=token.scope,
        user=User(reference=account.reference, display=account.display),
        enrolling=token.enrolling,
    )
    return _json(told.model_dump(), 200)


async def _failed(request: Request, error: FhirError, way: str) -> None:
    if not isinstance(error, CopiedPasskey):
        await fhir_of(request).refused("login", address_of(request), request_id_of(request), way)
        return
    account = error.account
    caller = Caller(account.reference, account.display, "", account.roles)
    remark = "The passkey's counter went back: it may have been copied."
    await record(request, caller, "login", error.status, way=way, remark=remark)


async def _ways(request: Request) -> Response:
    """How somebody can sign in here, beside a password."""
    try:
        party_of(request)
        passkeys = True
    except NotSupported:
        passkeys = False
    label = fhir_of(request).provider.label
    return _json({"passkeys": passkeys, "provider": {"label": label} if label else None}, 200)


async def _end_replaced(request: Request, account: Account) -> None:
    """End the session of the same person that this sign-in was asked for with. ASVS 5.0 V7.2.4."""
    if "authorization" not in request.headers:
        return
    try:
        replaced = await caller_of(request, enrolling=True)
    except FhirError:
        return
    if replaced.subject == account.username and not replaced.client:
        await fhir_of(request).authenticator.revoke(replaced)


def _json(told: dict[str, Any], status: int) -> Response:
    return Response(dumps(told), status, NO_STORE, "application/json")


async def _logout(request: Request) -> Response:
    caller = await caller_of(request, enrolling=True)
    await fhir_of(request).authenticator.revoke(caller)
    await record(request, caller, "logout")
    return Response(status_code=204, headers=_CLEARED)


async def _me(request: Request) -> User:
    caller = await caller_of(request)
    return User(reference=caller.reference, display=caller.display)
