"""What the administration tells, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fhir_server.clock import instant
from integrations.hl7v2.feeds.figures import Feed
from integrations.hl7v2.outbound.figures import DestinationFigures
from integrations.hl7v2.store import MessageRecord
from integrations.hl7v2.store.outbound_queue import QueuedMessage

Document = dict[str, Any]


def feed(one: Feed) -> Document:
    """A listener."""
    counts = one.counts
    return {
        "name": counts.name,
        "address": one.address,
        "mode": one.mode,
        "tls": one.tls,
        "rate": round(counts.rate, 2),
        "received_hour": counts.received,
        "failed_hour": counts.failed,
        "waiting": counts.waiting,
        "dead": counts.dead,
        "last": _at(counts.last),
        "oldest": _at(counts.oldest),
        "warnings": list(one.warnings),
    }


def destination(one: DestinationFigures, warnings: set[str]) -> Document:
    """A destination."""
    return {
        "name": one.name,
        "address": one.address,
        "messages": list(one.messages),
        "paused": one.paused,
        "backlog": one.backlog,
        "dead": one.dead,
        "withheld": one.withheld,
        "acknowledged": one.acknowledged,
        "oldest": _at(one.oldest),
        "sending": one.sending,
        "last_answer": _at(one.last_answer),
        "last_acknowledged": _at(one.last_acknowledged),
        "reason": one.reason,
        "warnings": sorted(warnings),
    }


def message(one: MessageRecord) -> Document:
    """A received message, without its text."""
    return {
        "id": one.id,
        "state": one.state,
        "listener": one.listener,
        "peer": one.peer,
        "received": instant(one.received),
        "finished": _at(one.finished),
        "size": one.size,
        "control": one.control,
        "type": "^".join(filter(None, (one.type, one.trigger))),
        "version": one.version,
        "app": one.app,
        "facility": one.facility,
        "patients": list(one.patients),
        "visit": one.visit,
        "warnings": list(one.warnings),
        "attempts": one.attempts,
        "replays": one.replays,
        "error": {"code": one.error_code, "text": one.error_text} if one.error_text else None,
        "resources": list(one.resources),
    }


def queued(one: QueuedMessage) -> Document:
    """A message on its way out, with its text when it was read with it."""
    return {
        "id": one.id,
        "destination": one.destination,
        "state": one.state,
        "type": one.trigger,
        "control": one.control_id,
        "patient": one.patient,
        "resource": one.resource,
        "created": instant(one.created),
        "attempts": one.attempts,
        "code": one.code,
        "error": one.error,
        "reason": one.reason,
        "text": one.payload.decode("utf-8", "replace"),
        "answer": one.answer.decode("utf-8", "replace"),
        "trace": [{"at": instant(step["at"]), "outcome": step["outcome"]} for step in one.trace],
        "position": one.position,
    }


def _at(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None
