"""POST /auth/token, /auth/introspect, /auth/revoke. RFC 6749, 7662, 7009."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.audit import Access
from fhir_server.auth.caller import Caller
from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.errors import InvalidClient, InvalidRequest
from fhir_server.errors import NotAuthenticated
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.rest.smart.form import addresses_of, form_of


def token_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/token", _token, methods=["POST"])
    router.add_api_route("/introspect", _introspect, methods=["POST"])
    router.add_api_route("/revoke", _revoke, methods=["POST"])
    return router


async def _token(request: Request) -> Response:
    form = await form_of(request)
    smart, addresses = fhir_of(request).smart, addresses_of(request)
    client = await _client(request, form)
    issued = await smart.tokens.issue(client, form, addresses)
    grant = issued.grant
    caller = Caller(grant.reference, grant.display, " ".join(grant.scopes), grant.roles)
    access = Access(
        "login",
        entities=(grant.patient,) if grant.patient else (),
        patient=grant.patient,
        request_id=request_id_of(request),
        address=address_of(request),
    )
    await fhir_of(request).server.audit.record(replace(caller, client=client.id), access)
    return Response(dumps(issued.body), headers=NO_STORE, media_type="application/json")


async def _introspect(request: Request) -> Response:
    form = await form_of(request)
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
    client = await _client(request, form)
    if "token" not in form:
        raise InvalidRequest("token is missing.")
    await fhir_of(request).smart.inspection.revoke(form["token"], client.id)
    return Response(headers=NO_STORE)


async def _client(request: Request, form: dict[str, str]) -> Client:
    fhir = fhir_of(request)
    client = await fhir.smart.authentication.authenticate(
        request.headers.get("authorization"), form, addresses_of(request).token
    )
    await fhir.rate_limits.authenticated(client.id)
    return client
