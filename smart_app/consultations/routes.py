"""/api: starting, reading, stopping and signing consultations. docs/architecture.md

Errors are FhirErrors, rendered as OperationOutcomes by the application.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.auth.caller import Caller
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from pipelines.consultation.consultations import Consultations
from pipelines.consultation.starting import Beginning
from pipelines.ports import AudioFormat
from smart_app.consultations.bodies import Acknowledgement, Signed, Start


def _allowed(type: str, interaction: str) -> Callable[[Request], Awaitable[Caller]]:
    async def dependency(request: Request) -> Caller:
        caller = await caller_of(request)
        permit(caller, type, interaction)
        return caller

    return dependency


# Dependencies run before a body is judged: without a token nobody learns what a body lacks.
MayStart = Annotated[Caller, Depends(_allowed("Encounter", "create"))]
MayRead = Annotated[Caller, Depends(_allowed("Encounter", "read"))]
MayRecord = Annotated[Caller, Depends(_allowed("Encounter", "update"))]
MaySign = Annotated[Caller, Depends(_allowed("Composition", "update"))]
MayAnswer = Annotated[Caller, Depends(_allowed("DetectedIssue", "update"))]


def consultation_router() -> APIRouter:
    """The routes under /api. The application's lifespan sets `app.state.consultations`."""
    router = APIRouter(prefix="/api")
    router.add_api_route("/encounters", _start, methods=["POST"], status_code=201)
    router.add_api_route("/encounters/{id}", _snapshot, methods=["GET"])
    router.add_api_route("/encounters/{id}/stop", _stop, methods=["POST"], status_code=202)
    router.add_api_route("/encounters/{id}/sign", _sign, methods=["POST"])
    router.add_api_route("/alerts/{id}/acknowledge", _acknowledge, methods=["POST"])
    return router


async def _start(body: Start, request: Request, caller: MayStart) -> dict[str, Any]:
    asked = Beginning(
        patient=body.patient,
        consent=body.consent,
        audio=AudioFormat(body.channels, tuple(body.roles)),
        reason=body.reason,
    )
    consultations = _consultations(request)
    id = await consultations.start(asked, caller)
    await _audit(request, caller, "create", f"Encounter/{id}", patient=body.patient)
    return await consultations.snapshot(id)


async def _snapshot(id: str, request: Request, caller: MayRead) -> dict[str, Any]:
    found = await _consultations(request).snapshot(id)
    patient = found["patient"]["reference"]
    await _audit(request, caller, "read", f"Encounter/{id}", patient=patient)
    return found


async def _stop(id: str, request: Request, caller: MayRecord) -> dict[str, Any]:
    consultations = _consultations(request)
    await consultations.stop(id)
    record = await consultations.find(id)
    await _audit(request, caller, "update", f"Encounter/{id}", patient=record.patient)
    return await consultations.snapshot(id)


async def _sign(id: str, request: Request, caller: MaySign) -> Signed:
    consultations = _consultations(request)
    signature = await consultations.sign(id, caller)
    record = await consultations.find(id)
    await _audit(request, caller, "update", signature.note, patient=record.patient)
    return Signed(note=signature.note, provenance=signature.provenance)


async def _acknowledge(
    id: str, request: Request, caller: MayAnswer, body: Acknowledgement | None = None
) -> dict[str, Any]:
    consultations = _consultations(request)
    alert = await consultations.acknowledge(id, caller, body.reason if body else None)
    record = await consultations.with_alert(id)
    await _audit(request, caller, "update", f"DetectedIssue/{id}", patient=record.patient)
    return alert


def _consultations(request: Request) -> Consultations:
    consultations: Consultations = request.app.state.consultations
    return consultations


async def _audit(
    request: Request, caller: Caller, interaction: str, entity: str, *, patient: str
) -> None:
    access = Access(
        interaction,
        entities=(entity,),
        patient=patient,
        request_id=request_id_of(request),
        address=address_of(request),
    )
    await fhir_of(request).server.audit.record(caller, access)
