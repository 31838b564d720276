"""The state of each consultation: what has to survive a crash beside audio and segments.

`consultations` has one document per encounter, `_id` = the Encounter's id, with the fields of
`ConsultationRecord`. Everything clinical in it is also a FHIR resource; the copies of note and
alerts are the payloads of the events, for a snapshot in one read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from fhir_server.errors import ResourceNotFound
from fhir_server.store import UnitOfWork
from fhir_server.store.connection import Database
from pipelines.ports import AudioFormat, Role


class State(StrEnum):
    """Where a consultation is; the values appear in the snapshot."""

    CREATED = "created"
    RECORDING = "recording"
    STOPPING = "stopping"
    FINISHED = "finished"
    SIGNED = "signed"


@dataclass(frozen=True)
class AlertRecord:
    """An alert that was raised. `key` is the rule's own, `payload` the data of its last event."""

    id: str
    key: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class ConsultationRecord:
    """One consultation. References are literal (`Patient/p1`); `settled` is in seconds."""

    encounter: str
    patient: str
    patient_display: str
    practitioner: str
    practitioner_display: str
    audio: AudioFormat
    state: State
    started: datetime
    transcript: str
    settled: float = 0.0
    segments: int = 0
    drained: bool = False
    note: dict[str, Any] | None = None
    alerts: tuple[AlertRecord, ...] = ()
    proposals: tuple[str, ...] = ()
    """Observations and MedicationStatements taken from speech."""
    message: str | None = None

    def alert(self, id: str) -> AlertRecord | None:
        """The alert of that id."""
        return next((alert for alert in self.alerts if alert.id == id), None)


class ConsultationStore:
    """The `consultations` collection."""

    def __init__(self, database: Database) -> None:
        self._records = database["consultations"]

    async def read(self, encounter: str, unit: UnitOfWork | None = None) -> ConsultationRecord:
        """One record. Raises `ResourceNotFound` for an encounter that is no consultation."""
        session = unit.session if unit else None
        found = await self._records.find_one({"_id": encounter}, session=session)
        if found is None:
            raise ResourceNotFound("There is no consultation of that id.")
        return _from_document(found)

    async def with_alert(self, id: str, unit: UnitOfWork | None = None) -> ConsultationRecord:
        """The consultation that raised an alert. Raises `ResourceNotFound`."""
        session = unit.session if unit else None
        found = await self._records.find_one({"alerts.id": id}, session=session)
        if found is None:
            raise ResourceNotFound("There is no alert of that id.")
        return _from_document(found)

    async def in_state(self, state: State) -> list[ConsultationRecord]:
        """Every consultation in a state."""
        return [_from_document(found) async for found in self._records.find({"state": str(state)})]

    async def add(self, unit: UnitOfWork, record: ConsultationRecord) -> None:
        """Insert a new record."""
        await self._records.insert_one(_to_document(record), session=unit.session)

    async def move(self, unit: UnitOfWork, encounter: str, to: State, *, since: set[State]) -> bool:
        """Change the state if it is one of `since`. False if it is not."""
        changed = await self._records.update_one(
            {"_id": encounter, "state": {"$in": [str(state) for state in since]}},
            {"$set": {"state": str(to)}},
            session=unit.session,
        )
        return changed.matched_count == 1

    async def set(self, unit: UnitOfWork, encounter: str, **fields: Any) -> None:
        """Set plain fields (`settled`, `segments`, `drained`, `note`, `message`)."""
        await self._records.update_one({"_id": encounter}, {"$set": fields}, session=unit.session)

    async def set_audio(self, unit: UnitOfWork, encounter: str, audio: AudioFormat) -> None:
        """Replace the declared audio format."""
        await self.set(unit, encounter, audio=_audio_document(audio))

    async def propose(self, unit: UnitOfWork, encounter: str, references: list[str]) -> None:
        """Remember resources that signing will confirm."""
        await self._records.update_one(
            {"_id": encounter},
            {"$addToSet": {"proposals": {"$each": references}}},
            session=unit.session,
        )

    async def add_alert(self, unit: UnitOfWork, encounter: str, alert: AlertRecord) -> None:
        """Remember a new alert."""
        document = {"id": alert.id, "key": alert.key, "payload": alert.payload}
        await self._records.update_one(
            {"_id": encounter}, {"$push": {"alerts": document}}, session=unit.session
        )

    async def set_alert(self, unit: UnitOfWork, alert: AlertRecord) -> None:
        """Replace an alert's payload."""
        await self._records.update_one(
            {"alerts.id": alert.id},
            {"$set": {"alerts.$.payload": alert.payload}},
            session=unit.session,
        )


def _audio_document(audio: AudioFormat) -> dict[str, Any]:
    return {"channels": audio.channels, "roles": [str(role) for role in audio.roles]}


def _to_document(record: ConsultationRecord) -> dict[str, Any]:
    return {
        "_id": record.encounter,
        "patient": record.patient,
        "patient_display": record.patient_display,
        "practitioner": record.practitioner,
        "practitioner_display": record.practitioner_display,
        "audio": _audio_document(record.audio),
        "state": str(record.state),
        "started": record.started,
        "transcript": record.transcript,
        "settled": record.settled,
        "segments": record.segments,
        "drained": record.drained,
        "note": record.note,
        "alerts": [],
        "proposals": [],
        "message": record.message,
    }


def _from_document(found: dict[str, Any]) -> ConsultationRecord:
    audio = found["audio"]
    plain = (
        "patient",
        "patient_display",
        "practitioner",
        "practitioner_display",
        "started",
        "transcript",
        "settled",
        "segments",
        "drained",
        "note",
        "message",
    )
    return ConsultationRecord(
        encounter=found["_id"],
        audio=AudioFormat(audio["channels"], tuple(Role(role) for role in audio["roles"])),
        state=State(found["state"]),
        alerts=tuple(AlertRecord(a["id"], a["key"], a["payload"]) for a in found["alerts"]),
        proposals=tuple(found["proposals"]),
        **{name: found[name] for name in plain},
    )
