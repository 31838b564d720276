"""What an attempt at a message means for it. HL7 v2.5.1 2.9.2, table 0008."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from integrations.hl7v2.mllp.client import Answer, FramingByte, NotAnswered, NotConnected, Sent
from integrations.hl7v2.outbound.settings import RetrySettings

Outcome = Answer | Sent | FramingByte | NotAnswered | NotConnected
_ACCEPTED = ("AA", "CA")
_REJECTED = ("AR", "CR")


@dataclass(frozen=True)
class Verdict:
    """`again` after `wait`; `pause` leaves the message in a queue that stands still."""

    what: Literal["acknowledged", "dead", "again", "pause"]
    reason: str
    wait: timedelta = timedelta(0)
    counted: bool = True


def verdict(outcome: Outcome, attempts: int, unreachable: int, retry: RetrySettings) -> Verdict:
    """Decide. `attempts` counts this one, `unreachable` the connections that failed in a row."""
    match outcome:
        case Answer(code) if code in _ACCEPTED:
            return Verdict("acknowledged", code)
        case Answer(code) if code in _REJECTED:
            return Verdict("dead", code)
        case Answer(code):
            return _again(code, attempts, retry)
        case Sent():
            return Verdict("acknowledged", "sent")
        case FramingByte():
            return Verdict("dead", "the message holds a framing byte")
        case NotAnswered():
            return _again(f"not answered: {outcome.reason}", attempts, retry)
        case NotConnected():
            reason = f"not connected: {outcome.reason}"
            return Verdict("again", reason, _wait(unreachable, retry), counted=False)


def _again(reason: str, attempts: int, retry: RetrySettings) -> Verdict:
    if attempts < retry.attempts:
        return Verdict("again", reason, _wait(attempts, retry))
    return Verdict("pause" if retry.exhausted == "pause" else "dead", reason)


def _wait(number: int, retry: RetrySettings) -> timedelta:
    doubled = retry.first_seconds * 2.0 ** min(max(number, 1) - 1, 40)
    return timedelta(seconds=min(doubled, retry.longest_seconds))
