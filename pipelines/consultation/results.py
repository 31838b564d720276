"""Critical laboratory results: an alert for whoever sees the patient, now or next.

The alert is one DetectedIssue for each Observation. A consultation that runs is told at once;
without one the issue waits on the patient and is shown when a consultation starts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fhir_server.resource import Resource
from fhir_server.store import StoredResource, UnitOfWork
from pipelines.alerts import Alert, laboratory
from pipelines.consultation import events
from pipelines.consultation.engines import ALERT_RULES
from pipelines.resources import detected_issue, device
from pipelines.resources.datatypes import reference
from pipelines.resources.identity import derived_id
from pipelines.store import AlertRecord, ConsultationStore
from pipelines.store.waiting_alerts import waiting
from terminology.critical_results import CriticalResults


async def judge(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    stored: StoredResource,
    table: CriticalResults,
    *,
    at: datetime,
) -> None:
    """Raise, change or withdraw the alert of a result that was written in this transaction."""
    observation = stored.resource()
    patient = observation.get("subject", {}).get("reference", "")
    alert = laboratory.evaluate(observation, table)
    if not patient.startswith("Patient/") or (alert is None and stored.version == 1):
        return
    id = issue_id(stored.reference)
    before = await unit.find("DetectedIssue", id)
    there = before.resource() if before is not None and not before.deleted else None
    if alert is not None:
        await _raise(unit, consultations, id, alert, patient, there, at)
    elif there is not None and there["status"] == "preliminary":
        await _withdraw(unit, consultations, id, there, observation)


def issue_id(observation: str) -> str:
    """The id of the DetectedIssue of an Observation, `Observation/o1`."""
    return derived_id(observation, "alert", laboratory.RULE)


async def _raise(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    id: str,
    alert: Alert,
    patient: str,
    there: Resource | None,
    at: datetime,
) -> None:
    if there is not None and (there["detail"], there["status"]) == (alert.detail, "preliminary"):
        return
    if there is not None and there["status"] == "final" and there["detail"] == alert.detail:
        return  # somebody has acknowledged just this
    await _device(unit)
    issue = detected_issue.raised(
        id,
        patient=reference(patient),
        author=device.link(ALERT_RULES),
        transcript=None,
        rule=alert.rule,
        severity=str(alert.severity),
        title=alert.title,
        detail=alert.detail,
        evidence=(),
        implicated=alert.implicated,
        at=at,
    )
    await unit.put(issue)
    payload = payload_of(issue)
    shown = await consultations.all_with_alert(id, unit) if there is not None else []
    if shown:
        await consultations.set_alert(unit, AlertRecord(id, alert.key, payload))
    for one in shown:
        await events.emit(unit, one.encounter, events.ALERT_UPDATED, payload)
    known = {one.encounter for one in shown}
    for one in await consultations.running_for(patient, unit):
        if one.encounter not in known:
            await show(unit, consultations, one.encounter, payload)


async def _withdraw(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    id: str,
    issue: Resource,
    observation: Resource,
) -> None:
    value = laboratory.written(observation)
    status = observation["status"]
    gone = status in ("cancelled", "entered-in-error")
    why = "The laboratory has taken the result back." if gone else f"Corrected: now {value}."
    changed = detected_issue.withdrawn(issue, why)
    await unit.put(changed)
    payload = events.withdrawn(payload_of(issue), why)
    shown = await consultations.all_with_alert(id, unit)
    if shown:
        await consultations.set_alert(unit, AlertRecord(id, "", payload))
    for one in shown:
        await events.emit(unit, one.encounter, events.ALERT_UPDATED, payload)


async def show(
    unit: UnitOfWork, consultations: ConsultationStore, encounter: str, payload: events.Data
) -> None:
    """Put an alert of the patient before those who watch a consultation."""
    key = laboratory.key_of(payload["implicated"][0])
    await consultations.add_alert(unit, encounter, AlertRecord(payload["id"], key, payload))
    await events.emit(unit, encounter, events.ALERT_RAISED, payload)


async def show_waiting(
    unit: UnitOfWork, consultations: ConsultationStore, encounter: str, patient: str
) -> None:
    """Put every alert that waits on a patient before those who watch the new consultation."""
    for issue in await waiting(unit, patient, laboratory.RULE):
        await show(unit, consultations, encounter, payload_of(issue))


def payload_of(issue: Resource) -> dict[str, Any]:
    """The event of an alert about a result, from its DetectedIssue."""
    return events.alert(
        issue["id"],
        rule=laboratory.RULE,
        severity=issue["severity"],
        title=issue["code"]["text"],
        detail=issue["detail"],
        evidence=(),
        implicated=[one["reference"] for one in issue.get("implicated", ())],
    )


async def _device(unit: UnitOfWork) -> None:
    if await unit.find("Device", device.device_id(ALERT_RULES)) is None:
        await unit.create(device.engine(ALERT_RULES, "Raises clinical alerts."))
