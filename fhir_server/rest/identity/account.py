"""What people do with their own account: /auth/account and below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.caller import Caller
from fhir_server.auth.identity.password_policy import WeakPassword
from fhir_server.clock import instant
from fhir_server.errors import NotAuthenticated, RateLimited
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, fhir_of
from fhir_server.rest.identity.person import person_of
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.store.accounts import Account


class NewPassword(BaseModel):
    """Another password, by who knows the current one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    current: str = Field(min_length=1, max_length=1000)
    new: str = Field(min_length=1, max_length=1000)


class Confirmation(BaseModel):
    """The password once more, before something that weakens or strengthens the account."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: str = Field(min_length=1, max_length=1000)


class Code(BaseModel):
    """A code of the authenticator app that is being set up."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    code: str = Field(min_length=1, max_length=40)


def account_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth/account")
    router.add_api_route("", _show, methods=["GET"], response_model=None)
    posts: dict[str, Callable[..., Awaitable[Response]]] = {
        "/password": _password,
        "/totp": _offer,
        "/totp/confirm": _confirm,
        "/totp/remove": _remove,
        "/recovery-codes": _renew,
    }
    for path, endpoint in posts.items():
        router.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    return router


async def _show(request: Request) -> Response:
    _, account = await person_of(request)
    second = fhir_of(request).second_factor
    changed = account.password_changed
    return _json(
        {
            "username": account.username,
            "display": account.display,
            "reference": account.reference,
            "email": account.email,
            "roles": list(account.roles),
            "password_changed": instant(changed) if changed else None,
            "idle_seconds": fhir_of(request).server.settings.idle_seconds,
            "totp": "totp" in await second.factors(account.username),
            "recovery_codes": await second.recovery_codes_left(account.username),
        }
    )


async def _password(sent: NewPassword, request: Request) -> Response:
    caller, account = await _confirmed(request, sent.current)
    try:
        await fhir_of(request).sign_in.change_password(account, sent.new)
    except WeakPassword as error:
        return _json({"error": "weak_password", "error_description": str(error)}, 400)
    await fhir_of(request).tokens.remove_others(account.username, caller.token)
    await record(request, caller, "credentials")
    return _done()


async def _offer(sent: Confirmation, request: Request) -> Response:
    _, account = await _confirmed(request, sent.password)
    offer = await fhir_of(request).second_factor.offer(account.username)
    return _json({"secret": offer.secret, "uri": offer.uri})


async def _confirm(sent: Code, request: Request) -> Response:
    caller, account = await person_of(request)
    codes = await fhir_of(request).second_factor.confirm(account.username, sent.code)
    await fhir_of(request).tokens.remove_others(account.username, caller.token)
    await record(request, caller, "credentials")
    return _json({"recovery_codes": codes})


async def _remove(sent: Confirmation, request: Request) -> Response:
    caller, account = await _confirmed(request, sent.password)
    await fhir_of(request).second_factor.remove(account.username)
    await record(request, caller, "credentials")
    return _done()


async def _renew(sent: Confirmation, request: Request) -> Response:
    caller, account = await _confirmed(request, sent.password)
    codes = await fhir_of(request).second_factor.renew_recovery_codes(account.username)
    await record(request, caller, "credentials")
    return _json({"recovery_codes": codes})


async def _confirmed(request: Request, password: str) -> tuple[Caller, Account]:
    """The person, who has given the password again."""
    caller, account = await person_of(request)
    try:
        await fhir_of(request).sign_in.confirm(account.username, password, address_of(request))
    except (NotAuthenticated, RateLimited) as error:
        await record(request, caller, "credentials", error.status)
        raise
    return caller, account


def _json(told: dict[str, Any], status: int = 200) -> Response:
    return Response(dumps(told), status, NO_STORE, "application/json")


def _done() -> Response:
    return Response(status_code=204, headers=NO_STORE)
