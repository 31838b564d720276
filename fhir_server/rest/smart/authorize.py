"""GET and POST /auth/authorize, and what the consent page asks and answers.

The page itself is the clinician's side. It holds the token of who signed in, so that no cookie is
needed and no other site can decide in a person's name. An application's token and that of an
emergency access decide nothing here: what they are limited to would not bind the grant.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhir_server.auth.caller import Caller
from fhir_server.auth.smart.authorization import Decision, Redirected
from fhir_server.auth.smart.errors import InvalidRequest, InvalidScope
from fhir_server.auth.smart.tokens import ACCESS_SECONDS
from fhir_server.errors import FhirError
from fhir_server.interactions.body import ID, logical_id
from fhir_server.interactions.reach import require_reach
from fhir_server.resource import dumps
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.person import person_of
from fhir_server.rest.identity.token_first import TokenFirst
from fhir_server.rest.recording import record, refusals_recorded
from fhir_server.rest.smart.errors import NO_STORE
from fhir_server.rest.smart.form import addresses_of, form_of, query_of
from fhir_server.rest.smart.launch_context import Opened

PAGE = "/authorize"
"""The page that asks. It gets the request's id as `?request=`."""

_MOST_SCOPES = 500


class Chosen(BaseModel):
    """What the consent page sends."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    scopes: list[str]
    patient: str | None = None
    encounter: str | None = None


def authorize_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth")
    router.add_api_route("/authorize", _authorize, methods=["GET", "POST"])
    own = APIRouter(route_class=TokenFirst)
    own.add_api_route("/authorize/{id}", _describe, methods=["GET"])
    own.add_api_route("/authorize/{id}", _decide, methods=["POST"])
    own.add_api_route("/launches", _launch, methods=["POST"])
    own.add_api_route("/grants", _grants, methods=["GET"])
    own.add_api_route("/grants/{id}", _end, methods=["DELETE"], status_code=204)
    router.include_router(own)
    return router


async def _authorize(request: Request) -> Response:
    sent = query_of(request) if request.method == "GET" else await form_of(request)
    try:
        id = await fhir_of(request).smart.authorization.begin(sent, addresses_of(request))
    except Redirected as refusal:
        return RedirectResponse(refusal.location, 303, headers=NO_STORE)
    return RedirectResponse(f"{PAGE}?request={id}", 303, headers=NO_STORE)


async def _describe(id: str, request: Request) -> Response:
    caller = await _decider(request)
    async with refusals_recorded(partial(record, request, caller, "consent")):
        pending, client = await fhir_of(request).smart.authorization.describe(id, caller)
    told = {
        "client": {
            "name": client.name,
            "logo_uri": client.logo_uri,
            "client_uri": client.client_uri,
            "policy_uri": client.policy_uri,
            "tos_uri": client.tos_uri,
        },
        "redirect": pending.redirect_uri,
        "scopes": list(pending.scopes),
        "launch": pending.launch,
        "lasts": {
            "access_seconds": ACCESS_SECONDS,
            "grant_days": fhir_of(request).server.settings.smart.grant_days,
        },
        "user": {"reference": caller.reference, "display": caller.display},
    }
    return _json(told)


async def _decide(id: str, chosen: Chosen, request: Request) -> Response:
    caller, smart = await _decider(request), fhir_of(request).smart
    async with refusals_recorded(partial(record, request, caller, "consent")):
        if len(chosen.scopes) > _MOST_SCOPES:
            raise InvalidScope(f"A decision has {_MOST_SCOPES} scopes at most.")
    if chosen.patient is not None:
        await _require_patient(chosen.patient, caller, request)
    if chosen.scopes:
        async with refusals_recorded(partial(record, request, caller, "consent")):
            pending, _ = await smart.authorization.describe(id, caller)
        opened = pending.launch or {}
        encounter = opened.get("encounter") or chosen.encounter
        if encounter is not None:
            whose = opened.get("patient") or chosen.patient
            await _require_encounter(encounter, whose, caller, request)
    decision = Decision(tuple(chosen.scopes), chosen.patient, chosen.encounter)
    addresses = addresses_of(request)
    async with refusals_recorded(partial(record, request, caller, "consent")):
        location, grant = await smart.authorization.decide(id, caller, decision, addresses)
    patient = grant.patient if grant is not None else None
    status = 200 if grant is not None else 403
    await record(request, caller, "consent", status, patient=patient)
    return _json({"redirect": location})


async def _decider(request: Request) -> Caller:
    """The person who is asked. Whoever comes with less than a sign-in is recorded."""
    async with refusals_recorded(partial(record, request, None, "consent")):
        caller, _ = await person_of(request)
    return caller


async def _require_patient(id: str, caller: Caller, request: Request) -> None:
    """A person can put into context whom they can read, and nobody else."""
    try:
        server, reference = fhir_of(request).server, f"Patient/{logical_id(id)}"
        await server.store.read("Patient", logical_id(id))
        await require_reach(server, caller, [reference], "r", addresses_of(request).fhir)
    except FhirError as error:
        await _record_refused(f"Patient/{id}", error, caller, request)
        raise InvalidRequest("There is no such patient for you.") from None


async def _require_encounter(
    id: str, patient: str | None, caller: Caller, request: Request
) -> None:
    """The encounter exists for the caller, and is one of the patient in context if there is one."""
    server, reference = fhir_of(request).server, f"Encounter/{logical_id(id)}"
    try:
        stored = await server.store.read("Encounter", logical_id(id))
        await require_reach(server, caller, [reference], "r", addresses_of(request).fhir)
    except FhirError as error:
        await _record_refused(f"Encounter/{id}", error, caller, request)
        raise InvalidRequest("There is no such encounter for you.") from None
    if patient is not None and stored.patient != f"Patient/{patient}":
        raise InvalidRequest("The encounter is not one of this patient.")


async def _record_refused(
    reference: str, error: FhirError, caller: Caller, request: Request
) -> None:
    """Somebody who tries ids here leaves the same trace as by reading them."""
    entities = (reference,) if ID.fullmatch(reference.partition("/")[2]) else ()
    await record(request, caller, "read", error.status, entities=entities)


async def _launch(opened: Opened, request: Request) -> Response:
    """Open a registered application, as an EHR does: the address to send the browser to."""
    caller, _ = await person_of(request)
    addresses = addresses_of(request)
    if opened.patient is not None:
        await _require_patient(opened.patient, caller, request)
    if opened.encounter is not None:
        await _require_encounter(opened.encounter, opened.patient, caller, request)
    tenant = fhir_of(request).server.settings.smart.tenant
    context: dict[str, Any] = {
        "need_patient_banner": True,
        "smart_style_url": f"{addresses.origin}/auth/smart-style.json",
        **({"tenant": tenant} if tenant else {}),
        **opened.context(),
    }
    client, value = await fhir_of(request).smart.authorization.launch(
        opened.client, caller, context
    )
    return _json({"launch_url": client.launch_url, "iss": addresses.fhir, "launch": value})


async def _grants(request: Request) -> Response:
    """The applications that the caller has permitted something."""
    (caller, _), smart = await person_of(request), fhir_of(request).smart
    told = []
    for grant in await smart.grants.of_subject(caller.subject):
        client = await smart.clients.find(grant.client)
        told.append(
            {
                "id": grant.id,
                "client": client.name if client else grant.client,
                "scopes": list(grant.scopes),
                "patient": grant.patient,
                "since": grant.created.isoformat(),
                "until": grant.expires.isoformat(),
            }
        )
    return _json({"grants": told})


async def _end(id: str, request: Request) -> Response:
    (caller, _), smart = await person_of(request), fhir_of(request).smart
    if id not in {grant.id for grant in await smart.grants.of_subject(caller.subject)}:
        raise InvalidRequest("There is no such permission of yours.")
    await smart.grants.end(id)
    await record(request, caller, "revocation")
    return Response(status_code=204, headers=NO_STORE)


def _json(told: dict[str, Any]) -> Response:
    return Response(dumps(told), headers=NO_STORE, media_type="application/json")
