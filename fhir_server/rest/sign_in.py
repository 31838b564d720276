"""POST /auth/login, POST /auth/logout, GET /auth/me. Errors are RFC 6749 section 5.2 JSON."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.caller import Caller
from fhir_server.errors import NotAuthenticated, RateLimited
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from fhir_server.rest.recording import record


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


def sign_in_router() -> APIRouter:
    """The routes under /auth."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/login", _login, methods=["POST"], response_model=SignedIn)
    router.add_api_route("/logout", _logout, methods=["POST"], status_code=204)
    router.add_api_route("/me", _me, methods=["GET"], response_model=User)
    return router


async def _login(credentials: Credentials, request: Request, response: Response) -> SignedIn:
    response.headers["Cache-Control"] = "no-store"
    fhir = fhir_of(request)
    try:
        account, token = await fhir.sign_in.sign_in(
            credentials.username, credentials.password, address_of(request)
        )
    except (NotAuthenticated, RateLimited):
        await fhir.refused("login", address_of(request), request_id_of(request))
        raise
    caller = Caller(account.reference, account.display, token.scope, account.roles)
    await record(request, caller, "login")
    return SignedIn(
        access_token=token.access_token,
        expires_in=token.expires_in,
        scope=token.scope,
        user=User(reference=account.reference, display=account.display),
    )


async def _logout(request: Request) -> Response:
    caller = await caller_of(request)
    await fhir_of(request).authenticator.revoke(caller)
    await record(request, caller, "logout")
    return Response(status_code=204)


async def _me(request: Request) -> User:
    caller = await caller_of(request)
    return User(reference=caller.reference, display=caller.display)
