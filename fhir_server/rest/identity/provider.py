"""Signing in by an OpenID provider, and linking one's account: /auth/login/provider and
/auth/account/provider, each begun and then finished from the page that the provider leads back to.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.identity.provider import Returned
from fhir_server.auth.identity.provider_sign_in import Begun
from fhir_server.errors import FhirError
from fhir_server.resource import dumps
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.account import Confirmation, confirmed
from fhir_server.rest.identity.person import person_of, session_of
from fhir_server.rest.identity.sign_in import signed_in
from fhir_server.rest.identity.token_first import TokenFirst
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE

_WAY = "OpenID provider"


class Return(BaseModel):
    """What the page was called with, and what its tab has kept."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    state: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=4000)
    iss: str | None = Field(default=None, max_length=1000)
    binding: str = Field(min_length=1, max_length=200)

    def returned(self) -> Returned:
        """The provider's part of it."""
        return Returned(self.code, self.iss)


def provider_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth")
    for path, endpoint in (("/login/provider", _begin), ("/login/provider/finish", _finish)):
        router.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    account = APIRouter(prefix="/account/provider", route_class=TokenFirst)
    for path, own in (("", _begin_link), ("/finish", _link), ("/remove", _unlink)):
        account.add_api_route(path, own, methods=["POST"], response_model=None)
    router.include_router(account)
    return router


async def _begin(request: Request) -> Response:
    return _redirect(await fhir_of(request).provider.begin())


async def _finish(sent: Return, request: Request) -> Response:
    attempt = fhir_of(request).provider.finish(
        sent.state, sent.binding, sent.returned(), session_of(request)
    )
    return await signed_in(request, attempt, _WAY)


async def _begin_link(sent: Confirmation, request: Request) -> Response:
    _, account = await confirmed(request, sent.password)
    return _redirect(await fhir_of(request).provider.begin(account.username))


async def _link(sent: Return, request: Request) -> Response:
    caller, account = await person_of(request)
    try:
        await fhir_of(request).provider.link(sent.state, sent.binding, sent.returned(), account)
    except FhirError as error:
        await record(request, caller, "credentials", error.status, way=_WAY)
        raise
    await fhir_of(request).notices.order(account, "provider_linked")
    await record(request, caller, "credentials", way=_WAY)
    return Response(status_code=204, headers=NO_STORE)


async def _unlink(sent: Confirmation, request: Request) -> Response:
    caller, account = await confirmed(request, sent.password)
    await fhir_of(request).provider.unlink(account)
    await record(request, caller, "credentials", way=_WAY)
    return Response(status_code=204, headers=NO_STORE)


def _redirect(begun: Begun) -> Response:
    told = {"redirect": begun.address, "binding": begun.binding}
    return Response(dumps(told), headers=NO_STORE, media_type="application/json")
