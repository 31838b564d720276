"""Who may use the administration: people with the role, signed in by themselves.

Whoever is refused is recorded. Changes of what somebody may do or signs in with ask that the
administrator signed in a short while ago or gives the own password again (OWASP ASVS 5.0 V7.5.3,
RFC 9470).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from fhir_server.administration import Actor
from fhir_server.administration.acts import Act
from fhir_server.auth.caller import Caller
from fhir_server.errors import FhirError, NotAuthenticated, NotPermitted
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from fhir_server.rest.recording import record


class StepUpRequired(NotPermitted):
    """The sign-in is too long ago for this. Issue code `login` tells it from other refusals."""

    code = "login"


def admitted(*roles: str) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency that gives the actor of a request, who has one of the roles."""

    async def dependency(request: Request) -> Actor:
        try:
            caller = await caller_of(request)
        except NotAuthenticated as error:
            await record(request, None, "operation", error.status, query=_asked(request))
            raise error from None
        try:
            await _check(request, caller, roles)
        except (NotAuthenticated, NotPermitted) as error:
            await record(request, caller, "operation", error.status, query=_asked(request))
            raise
        return Actor(caller, request_id_of(request), address_of(request))

    return dependency


Administrator = Annotated[Actor, Depends(admitted("admin"))]
Auditor = Annotated[Actor, Depends(admitted("auditor"))]
AdministratorOrAuditor = Annotated[Actor, Depends(admitted("admin", "auditor"))]


async def require_step_up(request: Request, actor: Actor, act: Act, password: str | None) -> None:
    """Raise `StepUpRequired`, recorded, unless the sign-in is recent or the password right.

    Raises `RateLimited` after too many wrong ones.
    """
    fhir = fhir_of(request)
    token = await fhir.tokens.find(actor.caller.token)
    longest = timedelta(seconds=fhir.server.settings.step_up_seconds)
    if token is not None and fhir.server.store.now() - token.issued <= longest:
        return
    try:
        await _confirm(request, actor, password)
    except FhirError as error:
        await fhir.administration.acts.refused(actor, act, error)
        raise


async def _confirm(request: Request, actor: Actor, password: str | None) -> None:
    if not password:
        raise StepUpRequired("Give your own password again for this.")
    try:
        await fhir_of(request).sign_in.confirm(actor.caller.subject, password, address_of(request))
    except NotAuthenticated:
        raise StepUpRequired("This is not your password.") from None


async def _check(request: Request, caller: Caller, roles: tuple[str, ...]) -> None:
    if caller.client or caller.purpose:
        raise NotPermitted("This takes a sign-in of your own, not an application's token.")
    account = await fhir_of(request).accounts.find(caller.subject)
    if account is None or account.disabled:
        raise NotAuthenticated("The account is gone: sign in.", error="invalid_token")
    if not set(roles) & set(caller.roles) & set(account.roles):
        raise NotPermitted(f"This is for people with the role {' or '.join(roles)}.")


def _asked(request: Request) -> str:
    route = getattr(request.scope.get("route"), "path", "")
    return f"{request.method} {route}"
