"""What the service says when it refuses or breaks off, as engine errors.

The texts of the service stay out of ours: what it echoes is not known to be free of patient data.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from integrations.aws.faults import ENGINE
from integrations.aws.transcribe.event_stream import Message
from pipelines.engines.errors import (
    EngineError,
    EngineRejected,
    EngineThrottled,
    EngineUnavailable,
)

_KINDS: dict[str, type[EngineRejected] | type[EngineThrottled] | type[EngineUnavailable]] = {
    "rejected": EngineRejected,
    "throttled": EngineThrottled,
    "unavailable": EngineUnavailable,
}
_UNKNOWN = {"kind": "unavailable", "action": "Try again; see the AWS Health Dashboard."}


@cache
def _table() -> dict[str, Any]:
    file = resources.files("integrations.aws.transcribe") / "exceptions.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def of_message(message: Message) -> EngineError:
    """The error that an exception in the stream stands for."""
    said = str(message.body.get("Message") or message.body.get("message") or "")
    entries = [one for part, one in _table()["messages"].items() if part in said]
    known = _table()["exceptions"].get(message.name, _UNKNOWN)
    return _error((entries or [known])[0], f"Transcribe answered {_plain(message.name)}.")


def of_status(status: int, retry_after: float | None = None) -> EngineError:
    """The error that a refused upgrade to WebSocket stands for."""
    statuses = _table()["statuses"]
    entry = statuses.get(str(status)) or statuses.get(str(status)[:1]) or _UNKNOWN
    error = _error(entry, f"Transcribe refused the stream with HTTP {status}.")
    if isinstance(error, EngineThrottled):
        error.retry_after = retry_after
    return error


def _error(entry: dict[str, str], problem: str) -> EngineError:
    return _KINDS[entry["kind"]](ENGINE, problem, entry["action"])


def _plain(name: str) -> str:
    return name if name.isalnum() and len(name) < 80 else "an unknown exception"
