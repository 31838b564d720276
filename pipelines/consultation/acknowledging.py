"""Somebody has seen an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from fhir_server.auth.caller import Caller
from fhir_server.errors import ResourceNotFound
from fhir_server.store import UnitOfWork
from pipelines.consultation import events
from pipelines.resources import detected_issue
from pipelines.resources.datatypes import reference
from pipelines.store import ConsultationStore


async def acknowledge(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    id: str,
    caller: Caller,
    reason: str | None,
    *,
    at: datetime,
) -> dict[str, Any]:
    """Add the answer to the DetectedIssue and return the alert; a second time changes nothing.

    Raises `ResourceNotFound`.
    """
    record = await consultations.with_alert(id, unit)
    alert = record.alert(id)
    if alert is None:
        raise ResourceNotFound("There is no alert of that id.")
    if alert.payload["status"] == "acknowledged":
        return alert.payload
    issue = (await unit.read("DetectedIssue", id)).resource()
    practitioner = reference(caller.reference, caller.display)
    await unit.update(detected_issue.acknowledged(issue, practitioner, reason, at))
    payload = events.acknowledged(alert.payload, caller.display)
    await consultations.set_alert(unit, replace(alert, payload=payload))
    for one in await consultations.all_with_alert(id, unit):
        await events.emit(unit, one.encounter, events.ALERT_UPDATED, payload)
    return payload
