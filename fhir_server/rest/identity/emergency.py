"""POST /auth/emergency: reading one chart in an emergency, whatever labels hide ("break glass").

45 CFR 164.312(a)(2)(ii). It takes a reason, lasts an hour, is for one patient and reading only.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.authenticator import EMERGENCY
from fhir_server.errors import FhirError, NotPermitted, ResourceNotFound
from fhir_server.interactions.body import logical_id
from fhir_server.resource import dumps
from fhir_server.rest.caller import fhir_of
from fhir_server.rest.identity.person import person_of, session_of
from fhir_server.rest.identity.token_first import TokenFirst
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE

SECONDS = 3600
SCOPE = "patient/*.rs"
ROLE = "break-glass"
_WHO = frozenset({"clinician", "nurse"})


class Emergency(BaseModel):
    """Whose chart, and why."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    patient: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=10, max_length=500)


def emergency_router() -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/auth", route_class=TokenFirst)
    router.add_api_route("/emergency", _open, methods=["POST"], response_model=None)
    return router


async def _open(sent: Emergency, request: Request) -> Response:
    caller, account = await person_of(request)
    patient = f"Patient/{logical_id(sent.patient)}"
    about = replace(caller, purpose=EMERGENCY)
    try:
        if not _WHO & set(account.roles):
            raise NotPermitted("Emergency access is for clinicians and nurses.")
        await _require(request, sent.patient)
    except FhirError as error:
        await record(
            request, about, "emergency-start", error.status, patient=patient, reason=sent.reason
        )
        raise
    # Recorded before the token exists: no access without its record.
    await record(request, about, "emergency-start", patient=patient, reason=sent.reason)
    token = await fhir_of(request).authenticator.issue(
        replace(account, roles=(ROLE,)),
        scope=SCOPE,
        lifetime=SECONDS,
        session=session_of(request),
        emergency=patient,
    )
    told = {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "scope": token.scope,
        "patient": sent.patient,
    }
    return Response(dumps(told), headers=NO_STORE, media_type="application/json")


async def _require(request: Request, id: str) -> None:
    try:
        await fhir_of(request).server.store.read("Patient", id)
    except FhirError:
        raise ResourceNotFound("There is no such patient.") from None
