"""The payload of every event a watcher sees; the table is in docs/architecture.md.

A change that must not be lost leaves its event in the outbox with the change itself (topic
`session`); partial transcripts and errors go straight to the bus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_server.store import UnitOfWork
from pipelines.ports import AudioFormat, Role, Segment, TranscriptPartial
from pipelines.resources.composition import SectionText

STARTED = "session.started"
RECORDING = "session.recording"
INTERRUPTED = "session.interrupted"
STOPPING = "session.stopping"
FINISHED = "session.finished"
SIGNED = "session.signed"
PARTIAL = "transcript.partial"
FINAL = "transcript.final"
REVISING = "transcript.revising"
REVISED = "transcript.revised"
NOTE = "note.updated"
ALERT_RAISED = "alert.raised"
ALERT_UPDATED = "alert.updated"
VISIT = "visit.changed"
ENGINE_CHANGED = "engine.changed"
ERROR = "error"

NOBODY = Role.UNKNOWN

Data = dict[str, Any]


async def emit(unit: UnitOfWork, encounter: str, type: str, data: Data) -> None:
    """Leave the event in the outbox; it exists only if the transaction commits."""
    await unit.emit("session", partition=encounter, type=type, data=data)


def started(patient: str, audio: AudioFormat) -> Data:
    """`session.started`"""
    roles = [str(role) for role in audio.roles]
    return {"patient": patient, "channels": audio.channels, "roles": roles}


def finished(message: str, segments: int, note: str | None, transcript: str | None) -> Data:
    """`session.finished`"""
    return {
        "speech": segments > 0,
        "message": message,
        "segments": segments,
        "note": note,
        "transcript": transcript,
    }


def signed(note: str, by: str) -> Data:
    """`session.signed`"""
    return {"note": note, "by": by}


def partial(heard: TranscriptPartial, role: Role) -> Data:
    """`transcript.partial`"""
    return {
        "channel": heard.channel,
        "role": str(role),
        "start": heard.start,
        "end": heard.end,
        "text": heard.text,
    }


def final(segment: Segment) -> Data:
    """`transcript.final`, and a segment in snapshots"""
    return {
        "id": segment.id,
        "channel": segment.channel,
        "role": str(segment.role),
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "confidence": segment.confidence,
        "engine": segment.engine,
    }


def revised(revision: int, message: str | None) -> Data:
    """`transcript.revised`: which transcript is shown now, and why if it is not the ordered one"""
    return {"revision": revision, "message": message}


def note(
    composition: str,
    version: int,
    status: str,
    sections: Sequence[SectionText],
    *,
    left_out: int = 0,
    engine: str = "",
) -> Data:
    """`note.updated`, and the note in snapshots"""
    return {
        "composition": composition,
        "version": version,
        "status": status,
        "left_out": left_out,
        "engine": engine,
        "sections": [
            {
                "code": section.code,
                "title": section.title,
                "sentences": [
                    {
                        "id": one.id,
                        "text": one.text,
                        "evidence": list(one.evidence),
                        "check": list(one.doubts),
                    }
                    for one in section.sentences
                ],
            }
            for section in sections
        ],
    }


def alert(
    id: str,
    *,
    rule: str,
    severity: str,
    title: str,
    detail: str,
    evidence: Sequence[str],
    implicated: Sequence[str],
) -> Data:
    """`alert.raised`, and an alert in snapshots"""
    return {
        "id": id,
        "issue": f"DetectedIssue/{id}",
        "rule": rule,
        "severity": severity,
        "title": title,
        "detail": detail,
        "evidence": list(evidence),
        "implicated": list(implicated),
        "status": "open",
        "acknowledged_by": None,
    }


def acknowledged(alert: Data, by: str) -> Data:
    """`alert.updated`"""
    return {**alert, "status": "acknowledged", "acknowledged_by": by}


def withdrawn(alert: Data, why: str) -> Data:
    """`alert.updated`, when what raised it was corrected"""
    return {**alert, "status": "withdrawn", "detail": why}


def visit(encounter: str, status: str, place: str | None) -> Data:
    """`visit.changed`"""
    return {"visit": encounter, "status": status, "place": place}


def engine_changed(work: str, engine: str, *, preferred: bool) -> Data:
    """`engine.changed`"""
    return {"work": str(work), "engine": engine, "preferred": preferred}


def error(code: str, message: str) -> Data:
    """`error`"""
    return {"code": code, "message": message}
