"""Somebody's own passkeys: /auth/account/passkeys."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.clock import instant
from fhir_server.errors import FhirError, ResourceNotFound
from fhir_server.resource import dumps
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.account import Confirmation, confirmed, enrolled
from fhir_server.rest.identity.party import party_of
from fhir_server.rest.identity.person import person_of
from fhir_server.rest.identity.token_first import TokenFirst
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.store.passkeys import Passkey

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class NewPasskey(BaseModel):
    """What `navigator.credentials.create` gave, as WebAuthn's RegistrationResponseJSON."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Name
    credential: dict[str, Any]


class Name(BaseModel):
    """What the person calls it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Name


def passkeys_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth/account/passkeys", route_class=TokenFirst)
    router.add_api_route("", _list, methods=["GET"], response_model=None)
    router.add_api_route("", _add, methods=["POST"], response_model=None)
    router.add_api_route("/options", _options, methods=["POST"], response_model=None)
    router.add_api_route("/{id}/name", _rename, methods=["POST"], response_model=None)
    router.add_api_route("/{id}/remove", _remove, methods=["POST"], response_model=None)
    return router


async def _list(request: Request) -> Response:
    _, account = await person_of(request, enrolling=True)
    passkeys = await fhir_of(request).passkeys.of(account.username)
    return _json({"passkeys": [_told(one) for one in passkeys]})


async def _options(sent: Confirmation, request: Request) -> Response:
    _, account = await confirmed(request, sent.password, enrolling=True)
    party = party_of(request)
    options = await fhir_of(request).passkeys.registration_options(account, party)
    return _json({"publicKey": options})


async def _add(sent: NewPasskey, request: Request) -> Response:
    caller, account = await person_of(request, enrolling=True)
    party = party_of(request)
    try:
        passkey = await fhir_of(request).passkeys.register(
            account, sent.name, sent.credential, party
        )
    except FhirError as error:
        await record(request, caller, "credentials", error.status, way="passkey")
        raise
    await enrolled(request, caller, account)
    await fhir_of(request).notices.order(account, "second_step_set_up")
    await record(request, caller, "credentials", way="passkey")
    return _json(_told(passkey), 201)


async def _rename(id: str, sent: Name, request: Request) -> Response:
    _, account = await person_of(request)
    if not await fhir_of(request).passkeys.rename(account.username, id, sent.name):
        raise ResourceNotFound("You have no such passkey.")
    return Response(status_code=204, headers=NO_STORE)


async def _remove(id: str, sent: Confirmation, request: Request) -> Response:
    caller, account = await confirmed(request, sent.password)
    try:
        await fhir_of(request).second_factor.remove_passkey(account, id)
    except FhirError as error:
        await record(request, caller, "credentials", error.status, way="passkey")
        raise
    await fhir_of(request).notices.order(account, "second_step_removed")
    await record(request, caller, "credentials", way="passkey")
    return Response(status_code=204, headers=NO_STORE)


def _told(passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "created": instant(passkey.created),
        "used": instant(passkey.used) if passkey.used else None,
        "synced": passkey.synced,
    }


def _json(told: dict[str, Any], status: int = 200) -> Response:
    return Response(dumps(told), status, NO_STORE, "application/json")
