"""One try to convert a message, and how its end is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from fhir_server.errors import FhirError
from integrations.hl7v2.acknowledgement import Problem, acknowledge, problem_of, wants
from integrations.hl7v2.acknowledgement.building import Code
from integrations.hl7v2.acknowledgement.expectation import Condition
from integrations.hl7v2.message import Message
from integrations.hl7v2.processing.converter import Converter, Ignored, Work
from integrations.hl7v2.store import MessageRecord, Outcome, State
from integrations.hl7v2.strictness import Against

_log = structlog.get_logger("aimed.hl7v2")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it. `refused`: a strict listener has something against the message."""

    state: State
    code: str = ""
    text: str = ""
    ack: Code = "AA"
    retryable: bool = False
    problems: tuple[Problem, ...] = ()
    resources: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    refused: bool = False


def refused(against: Against) -> Attempt:
    """What a strict listener does not let pass."""
    return Attempt(
        "failed",
        against.code,
        against.text,
        against.ack,
        refused=True,
        problems=against.problems,
        report=against.report,
    )


class Attempting(Protocol):
    """Tries to convert a message, here or elsewhere. Raises nothing but cancellation."""

    async def __call__(self, work: Work) -> Attempt:
        """One try."""
        ...


class AttemptsHere:
    """Tries in this process."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter

    async def __call__(self, work: Work) -> Attempt:
        """One try."""
        return await attempt(self._converter, work)


async def attempt(converter: Converter, work: Work) -> Attempt:
    """Convert. Raises nothing but cancellation."""
    try:
        result = await converter(work)
    except FhirError as error:
        problems = problem_of(error)
        text = "; ".join(one.text for one in problems)
        return Attempt("failed", error.condition, text, error.ack, error.retryable, problems)
    except Exception as error:
        # Its words may quote the message.
        text = f"A fault of the server: {type(error).__name__}."
        _log.error("conversion fault", message=work.record.id, fault=type(error).__name__)
        outage = type(error).__module__.partition(".")[0] == "pymongo"
        return Attempt("failed", "207", text, "AE", outage, (Problem("207", text),))
    if isinstance(result, Ignored):
        return Attempt("ignored", "0", result.reason, report=result.report)
    state: State = "replayed" if work.record.replays else "converted"
    return Attempt(
        state, resources=result.resources, report=result.report, warnings=result.warnings
    )


def ended(
    record: MessageRecord,
    message: Message | None,
    result: Attempt,
    *,
    attempts: int,
    warnings: tuple[str, ...],
    at: datetime,
    control_id: str,
) -> Outcome:
    """The outcome to store, with the acknowledgement that is due now."""
    ack = answer = None
    if message is not None and record.wanted in ("original", "checked"):
        ack = _acknowledgement(record, message, result, at=at, control_id=control_id)
    elif message is not None and record.wanted and not record.replays:
        condition: Condition = record.wanted  # type: ignore[assignment]
        if wants(condition, success=result.ack == "AA"):
            answer = acknowledge(
                message,
                result.ack,
                control_id=control_id,
                at=at,
                problems=result.problems,
                accept="NE",
            )
    return Outcome(
        id=record.id,
        state=result.state,
        finished=at,
        attempts=attempts,
        code=result.code,
        text=result.text,
        resources=result.resources,
        report=result.report or None,
        warnings=warnings,
        ack=ack,
        answer=answer,
    )


def _acknowledgement(
    record: MessageRecord, message: Message, result: Attempt, *, at: datetime, control_id: str
) -> bytes | None:
    """The answer in original mode, None when it is given already."""
    if record.wanted == "original" or result.refused:
        return acknowledge(
            message, result.ack, control_id=control_id, at=at, problems=result.problems
        )
    # Whether it could be converted is not the sender's concern.
    return None if record.checked else acknowledge(message, "AA", control_id=control_id, at=at)
