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
from smart_app.consultations.reach import Reach
from smart_app.consultations.refusals import RefusalsRecorded, note_caller


def _allowed(type: str, interaction: str) -> Callable[[Request], Awaitable[Caller]]:
    async def dependency(request: Request) -> Caller:
        caller = await caller_of(request)
        note_caller(request, caller)
        permit(caller, type, interaction)
        return caller

    return dependency


# Dependencies run before a body is judged: without a token nobody learns what a body lacks.
MayStart = Annotated[Caller, Depends(_allowed("Encounter", "create"))]
MayRead = Annotated[Caller, Depends(_allowed("Encounter", "read"))]
MayRecord = Annotated[Caller, Depends(_allowed("Encounter", "update"))]
MaySign = Annotated[Caller, Depends(_allowed("Composition", "update"))]
MayRevise = Annotated[Caller, Depends(_allowed("DocumentReference", "update"))]
MayAnswer = Annotated[Caller, Depends(_allowed("DetectedIssue", "update"))]


def consultation_router() -> APIRouter:
    """The routes under /api. The application's lifespan sets `app.state.consultations`."""
    router = APIRouter(prefix="/api", route_class=RefusalsRecorded)
    router.add_api_route("/encounters", _start, methods=["POST"], status_code=201)
    router.add_api_route("/encounters/{id}", _snapshot, methods=["GET"])
    router.add_api_route("/encounters/{id}/stop", _stop, methods=["POST"], status_code=202)
    router.add_api_route("/encounters/{id}/sign", _sign, methods=["POST"])
    router.add_api_route(
        "/encounters/{id}/retranscribe", _retranscribe, methods=["POST"], status_code=202
    )
    router.add_api_route("/alerts/{id}/acknowledge", _acknowledge, methods=["POST"])
    return router


async def _start(body: Start, request: Request, caller: MayStart) -> dict[str, Any]:
    asked = Beginning(
        patient=body.patient,
        consent=body.consent,
        audio=AudioFormat(body.channels, tuple(body.roles)),
        reason=body.reason,
    )
    await Reach(fhir_of(request), caller).require_start(body.patient)
    consultations = _consultations(request)
    id = await consultations.start(asked, caller)
    await _audit(request, caller, "create", f"Encounter/{id}", patient=body.patient)
    return await consultations.snapshot(id)


async def _snapshot(id: str, request: Request, caller: MayRead) -> dict[str, Any]:
    record = await _consultations(request).find(id)
    await Reach(fhir_of(request), caller).require_read(record)
    found = await _consultations(request).snapshot(id)
    patient = found["patient"]["reference"]
    await _audit(request, caller, "read", f"Encounter/{id}", patient=patient)
    return found


async def _stop(id: str, request: Request, caller: MayRecord) -> dict[str, Any]:
    consultations, reach = _consultations(request), Reach(fhir_of(request), caller)
    record = await consultations.find(id)
    await reach.require_update(f"Encounter/{id}")
    await reach.require_read(record)
    await consultations.stop(id)
    await _audit(request, caller, "update", f"Encounter/{id}", patient=record.patient)
    return await consultations.snapshot(id)


async def _sign(id: str, request: Request, caller: MaySign) -> Signed:
    consultations, reach = _consultations(request), Reach(fhir_of(request), caller)
    record = await consultations.find(id)
    await reach.require_read(record)
    if record.note is not None:  # without one there is nothing to sign, which `sign` answers
        await reach.require_update(record.note["composition"])
    signature = await consultations.sign(id, caller)
    await _audit(request, caller, "update", signature.note, patient=record.patient)
    return Signed(note=signature.note, provenance=signature.provenance)


async def _retranscribe(id: str, request: Request, caller: MayRevise) -> dict[str, Any]:
    consultations, reach = _consultations(request), Reach(fhir_of(request), caller)
    record = await consultations.find(id)
    await reach.require_read(record)
    await reach.require_update(record.transcript)
    await consultations.retranscribe(id)
    await _audit(request, caller, "update", record.transcript, patient=record.patient)
    return await consultations.snapshot(id)


async def _acknowledge(
    id: str, request: Request, caller: MayAnswer, body: Acknowledgement | None = None
) -> dict[str, Any]:
    consultations, reach = _consultations(request), Reach(fhir_of(request), caller)
    record = await consultations.with_alert(id)
    await reach.require_read(record)
    await reach.require_update(f"DetectedIssue/{id}")
    alert = await consultations.acknowledge(id, caller, body.reason if body else None)
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
