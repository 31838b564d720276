"""The person of a request: signed in by themselves, not through an application."""

from __future__ import annotations

from starlette.requests import Request

from fhir_server.auth.authenticator import Session
from fhir_server.auth.caller import Caller
from fhir_server.errors import NotAuthenticated, NotPermitted
from fhir_server.rest.caller import address_of, caller_of, fhir_of
from fhir_server.store.accounts import Account

_AGENT = 200


async def person_of(request: Request, *, enrolling: bool = False) -> tuple[Caller, Account]:
    """Who asks. Raises `NotAuthenticated`, and `NotPermitted` for what is less than a sign-in.

    `enrolling` admits who has to set up a second factor first.
    """
    caller = await caller_of(request, enrolling=enrolling)
    if caller.client or caller.purpose:
        raise NotPermitted("This takes a sign-in of your own, not an application's token.")
    account = await fhir_of(request).accounts.find(caller.subject)
    if account is None or account.disabled:
        raise NotAuthenticated("The account is gone: sign in.", error="invalid_token")
    return caller, account


def session_of(request: Request) -> Session:
    """Where somebody is signing in from."""
    return Session(
        idle=fhir_of(request).server.settings.idle_seconds,
        address=address_of(request) or "",
        agent=request.headers.get("user-agent", "")[:_AGENT],
    )
