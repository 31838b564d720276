"""POST /auth/token, /auth/introspect, /auth/revoke. RFC 6749, 7662, 7009."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.caller import Caller
from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.errors import InvalidClient, InvalidRequest
from fhir_server.errors import NotAuthenticated
from fhir_server.resource import dumps
from fhir_server.rest.caller import caller_of, fhir_of
from fhir_server.rest.recording import record, refusals_recorded
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.rest.smart.form import addresses_of, form_of
from fhir_server.store.smart.grants import Grant

_TOLD = frozenset({"grant_type", "client_id", "redirect_uri", "scope"})
"""What the audit tells of a token request: all else in it is secret."""

_LONGEST = 1000
"""Characters of one of these: anybody may send anything, and a refusal is recorded too."""


def token_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/token", _token, methods=["POST"])
    router.add_api_route("/introspect", _introspect, methods=["POST"])
    router.add_api_route("/revoke", _revoke, methods=["POST"])
    return router


async def _token(request: Request) -> Response:
    form = await form_of(request)
    async with refusals_recorded(partial(_refused, request, form, "token")):
        return await _issued(request, form)


async def _issued(request: Request, form: dict[str, str]) -> Response:
    smart, addresses = fhir_of(request).smart, addresses_of(request)
    if "authorization" not in request.headers:
        form = await smart.tokens.with_client(form)
    client = await _client(request, form)
    issued = await smart.tokens.issue(client, form, addresses)
    grant = issued.grant
    caller = Caller(grant.reference, grant.display, " ".join(grant.scopes), grant.roles)
    await _record(request, replace(caller, client=client.id), form, grant)
    return Response(dumps(issued.body), headers=NO_STORE, media_type="application/json")


async def _record(request: Request, caller: Caller, form: dict[str, str], grant: Grant) -> None:
    """Who got a token, and, when there is a patient in context, whose chart was opened to whom."""
    await record(request, caller, "token", query=_asked(form))
    if grant.patient and form["grant_type"] == "authorization_code":
        scopes = urlencode({"scope": " ".join(grant.scopes)})
        await record(request, caller, "disclosure", patient=grant.patient, query=scopes)


def _asked(form: dict[str, str]) -> str | None:
    """None for a form without any of it: no element of a resource is empty."""
    told = {name: form[name][:_LONGEST] for name in sorted(form) if name in _TOLD}
    return urlencode(told) or None


async def _introspect(request: Request) -> Response:
    form = await form_of(request)
    async with refusals_recorded(partial(_refused, request, form, "connection")):
        await _introspector(request, form)
    if "token" not in form:
        raise InvalidRequest("token is missing.")
    told = await fhir_of(request).smart.inspection.introspect(form["token"], addresses_of(request))
    return Response(dumps(told), headers=NO_STORE, media_type="application/json")


async def _introspector(request: Request, form: dict[str, str]) -> None:
    """A client that authenticates, or whoever holds a valid token (SMART 2.2, #282)."""
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        try:
            await caller_of(request)
        except NotAuthenticated:
            raise InvalidClient("The bearer token is not valid.") from None
        return
    client = await _client(request, form)
    if client.method == "none":
        raise InvalidClient("A public client cannot introspect without a token.")


async def _revoke(request: Request) -> Response:
    form = await form_of(request)
    async with refusals_recorded(partial(_refused, request, form, "connection")):
        client = await _client(request, form)
    if "token" not in form:
        raise InvalidRequest("token is missing.")
    await fhir_of(request).smart.inspection.revoke(form["token"], client.id)
    application = Caller(f"Device/{client.id}", client.name, "", client=client.id)
    await record(request, application, "revocation")
    return Response(headers=NO_STORE)


async def _refused(request: Request, form: dict[str, str], interaction: str, status: int) -> None:
    await record(request, None, interaction, status, query=_asked(form))


async def _client(request: Request, form: dict[str, str]) -> Client:
    fhir, addresses = fhir_of(request), addresses_of(request)
    client = await fhir.smart.authentication.authenticate(
        request.headers.get("authorization"), form, addresses.token, addresses.origin
    )
    await fhir.rate_limits.authenticated(client.id)
    return client
