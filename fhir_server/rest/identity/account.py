"""What people do with their own account: /auth/account and below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.caller import Caller
from fhir_server.auth.identity.mail import email_address
from fhir_server.auth.identity.password_policy import WeakPassword
from fhir_server.auth.identity.qr_code import qr_code
from fhir_server.clock import instant
from fhir_server.errors import NotAuthenticated, RateLimited
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, fhir_of
from fhir_server.rest.identity.person import person_of
from fhir_server.rest.identity.token_first import TokenFirst
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


class NewAddress(BaseModel):
    """Another e-mail address, by who knows the password. Empty for none."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: str = Field(min_length=1, max_length=1000)
    email: str = Field(max_length=254)


class Code(BaseModel):
    """A code of the authenticator app that is being set up."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    code: str = Field(min_length=1, max_length=40)


def account_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth/account", route_class=TokenFirst)
    router.add_api_route("", _show, methods=["GET"], response_model=None)
    posts: dict[str, Callable[..., Awaitable[Response]]] = {
        "/password": _password,
        "/email": _email,
        "/totp": _offer,
        "/totp/confirm": _confirm,
        "/totp/remove": _remove,
        "/recovery-codes": _renew,
    }
    for path, endpoint in posts.items():
        router.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    return router


async def _show(request: Request) -> Response:
    caller, account = await person_of(request, enrolling=True)
    second, provider = fhir_of(request).second_factor, fhir_of(request).provider
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
            "second_factor_required": second.is_required(account),
            "enrolling": caller.enrolling,
            "provider": {"label": provider.label, "linked": await provider.is_linked(account)}
            if provider.label
            else None,
        }
    )


async def _password(sent: NewPassword, request: Request) -> Response:
    caller, account = await confirmed(request, sent.current)
    try:
        await fhir_of(request).sign_in.change_password(account, sent.new)
    except WeakPassword as error:
        return _json({"error": "weak_password", "error_description": str(error)}, 400)
    await fhir_of(request).tokens.remove_others(account.username, caller.token)
    await fhir_of(request).notices.order(account, "password_changed")
    await record(request, caller, "credentials")
    return _done()


async def _email(sent: NewAddress, request: Request) -> Response:
    caller, account = await confirmed(request, sent.password)
    address = email_address(sent.email) if sent.email.strip() else ""
    if address != account.email:
        await fhir_of(request).accounts.change(account.username, email=address)
        # To the old address: who took over the account has chosen the new one.
        await fhir_of(request).notices.order(account, "address_changed")
        await record(request, caller, "credentials")
    return _done()


async def _offer(sent: Confirmation, request: Request) -> Response:
    _, account = await confirmed(request, sent.password, enrolling=True)
    offer = await fhir_of(request).second_factor.offer(account.username)
    return _json({"secret": offer.secret, "uri": offer.uri, "qr": qr_code(offer.uri)})


async def _confirm(sent: Code, request: Request) -> Response:
    caller, account = await person_of(request, enrolling=True)
    codes = await fhir_of(request).second_factor.confirm(account.username, sent.code)
    await enrolled(request, caller, account)
    await fhir_of(request).notices.order(account, "second_step_set_up")
    await record(request, caller, "credentials")
    return _json({"recovery_codes": codes})


async def _remove(sent: Confirmation, request: Request) -> Response:
    caller, account = await confirmed(request, sent.password)
    await fhir_of(request).second_factor.remove_app(account)
    await fhir_of(request).notices.order(account, "second_step_removed")
    await record(request, caller, "credentials")
    return _done()


async def _renew(sent: Confirmation, request: Request) -> Response:
    caller, account = await confirmed(request, sent.password)
    codes = await fhir_of(request).second_factor.renew_recovery_codes(account.username)
    await record(request, caller, "credentials")
    return _json({"recovery_codes": codes})


async def confirmed(
    request: Request, password: str, *, enrolling: bool = False
) -> tuple[Caller, Account]:
    """The person, who has given the password again. `enrolling` as in `person_of`."""
    caller, account = await person_of(request, enrolling=enrolling)
    try:
        await fhir_of(request).sign_in.confirm(account.username, password, address_of(request))
    except (NotAuthenticated, RateLimited) as error:
        await record(request, caller, "credentials", error.status)
        raise
    return caller, account


async def enrolled(request: Request, caller: Caller, account: Account) -> None:
    """A second factor was set up: other sessions end, and this one is good for everything."""
    tokens = fhir_of(request).tokens
    await tokens.remove_others(account.username, caller.token)
    if caller.enrolling:
        await tokens.enrolled(caller.token)


def _json(told: dict[str, Any], status: int = 200) -> Response:
    return Response(dumps(told), status, NO_STORE, "application/json")


def _done() -> Response:
    return Response(status_code=204, headers=NO_STORE)
