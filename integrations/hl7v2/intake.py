"""The one door for MLLP, HTTP and files: raw bytes in, acknowledgement out.

An acknowledgement that accepts is given only after the bytes are durable, and for a strict listener
after their structure is checked. What is refused is stored too, as a dead letter with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from fhir_server.clock import Clock
from fhir_server.errors import FhirError, Unavailable
from integrations.hl7v2.acknowledgement import (
    Expectation,
    Location,
    Problem,
    acknowledge,
    expected,
    problem_of,
    read_acknowledgement,
    recover_control_id,
    wants,
)
from integrations.hl7v2.acknowledgement.building import Code
from integrations.hl7v2.message import Message, NotHl7, parse
from integrations.hl7v2.processing.outcomes import Outcomes
from integrations.hl7v2.refusal import refusal
from integrations.hl7v2.source import Source
from integrations.hl7v2.store import (
    MessageRecord,
    MessageStore,
    NewMessage,
    Outcome,
    State,
    message_id,
)
from integrations.hl7v2.strictness import Against, Strictness

_log = structlog.get_logger("aimed.hl7v2")
_CONTROL_ID = 20
"""Longest MSH-10 before v2.7."""
_HELD_LONGER = timedelta(seconds=10)
"""Beyond the time that a sender waits: a process that is gone by then checks it no more."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`acknowledgement` is without framing, None when the sender wants none.

    `application` says that an application acknowledgement is to follow (enhanced mode), when
    processing has ended. `id` is empty for what could not be stored.
    """

    acknowledgement: bytes | None
    id: str = ""
    duplicate: bool = False
    application: bool = False

    @property
    def code(self) -> str:
        """MSA-1 of the acknowledgement, empty without one."""
        if self.acknowledgement is None:
            return ""
        return read_acknowledgement(self.acknowledgement).code

    @property
    def accepted(self) -> bool:
        """Whether the message is stored and not refused."""
        return bool(self.id) and self.code in ("AA", "CA", "")


class Intake:
    """Stores messages and answers them. `ids` make ordered ids (`fhir_server.clock.OrderedIds`).

    `arrived` is called for each new message that is to be processed.
    """

    def __init__(
        self,
        store: MessageStore,
        outcomes: Outcomes,
        strictness: Strictness,
        *,
        clock: Clock,
        ids: Callable[[], str],
        convert_seconds: float = 20.0,
        arrived: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.outcomes = outcomes
        self._strictness = strictness
        self._clock = clock
        self._ids = ids
        self._convert_seconds = convert_seconds
        self._arrived = arrived

    async def receive(self, raw: bytes, source: Source) -> Receipt:
        """Store a message and say what to answer. Raises nothing but cancellation."""
        arriving = _Arriving(raw, source, self._ids())
        made = self._made(arriving)
        try:
            return await self._stored(made, arriving)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            _log.error("message not stored", listener=source.listener, fault=type(error).__name__)
            return self._not_stored(arriving)

    def refuse_oversize(self, head: bytes, limit: int) -> bytes:
        """The answer to a message that is larger than `limit` bytes, of which `head` was kept."""
        text = f"The message is larger than {limit} bytes."
        # Only MSH is sure to be whole.
        first = head.partition(b"\r")[0].partition(b"\n")[0]
        return acknowledge(
            first if recover_control_id(first) else head,
            "AR",
            control_id=self._ids()[:_CONTROL_ID],
            at=self._clock(),
            problems=(Problem("104", text),),
        )

    async def application_acknowledgement(self, id: str) -> bytes | None:
        """Wait for the end of processing; the application acknowledgement, None if none is due."""
        await self.outcomes.ended(id)
        found = await self.store.find(id)
        return found.answer.bytes if found is not None and found.answer is not None else None

    def _made(self, arriving: _Arriving) -> NewMessage:
        message, source = arriving.message, arriving.source
        if message is None:
            return self._unreadable(arriving)
        header = message.header
        app, facility = header.sending_application.text, header.sending_facility.text
        id = message_id(source.listener, app, facility, header.control_id, arriving.raw)
        state, ack, problem = self._taken(arriving, message)
        wanted = _wanted(arriving) if state == "received" else ""
        pid, pv1 = message.first("PID"), message.first("PV1")
        return self._new(
            arriving,
            id,
            state,
            control=header.control_id,
            type=header.type,
            trigger=header.trigger,
            structure=header.structure,
            version=header.version,
            app=app,
            facility=facility,
            patients=tuple(filter(None, (one[1].text for one in pid[3].repetitions)))
            if pid
            else (),
            visit=pv1.text("19.1") if pv1 else "",
            warnings=(message.charset.fallback,) if message.charset.fallback else (),
            ack=ack,
            wanted=wanted,
            held=self._held_until() if wanted == "checked" else None,
            problem=problem,
        )

    def _unreadable(self, arriving: _Arriving) -> NewMessage:
        problem = Problem("100", "There is no MSH segment to read.", Location("MSH"))
        control = recover_control_id(arriving.raw)
        id = message_id(arriving.source.listener, "", "", control, arriving.raw)
        ack = self._answer(arriving, "AR", problem)
        return self._new(arriving, id, "failed", control=control, ack=ack, problem=problem)

    def _new(
        self,
        arriving: _Arriving,
        id: str,
        state: State,
        *,
        control: str,
        ack: bytes | None,
        problem: Problem | None,
        type: str = "",
        trigger: str = "",
        structure: str = "",
        version: str = "",
        app: str = "",
        facility: str = "",
        patients: tuple[str, ...] = (),
        visit: str = "",
        warnings: tuple[str, ...] = (),
        wanted: str = "",
        held: datetime | None = None,
    ) -> NewMessage:
        return NewMessage(
            id=id, order=arriving.order, state=state, listener=arriving.source.listener,
            peer=arriving.source.peer, received=self._clock(), raw=arriving.raw, control=control,
            type=type, trigger=trigger, structure=structure, version=version, app=app,
            facility=facility, patients=patients, visit=visit, warnings=warnings, ack=ack,
            application_wanted=wanted, held=held,
            error=(problem.code, problem.text) if problem else None,
        )  # fmt: skip

    def _taken(
        self, arriving: _Arriving, message: Message
    ) -> tuple[State, bytes | None, Problem | None]:
        problem = refusal(message, strict=arriving.source.strict)
        if problem is not None:
            return "failed", self._answer(arriving, "AR", problem), problem
        if message.header.type == "ACK":
            return "ignored", None, Problem("0", "An acknowledgement: nothing to convert.")
        if _wanted(arriving) in ("original", "checked"):
            return "received", None, None
        return "received", self._answer(arriving, "AA"), None

    def _answer(self, arriving: _Arriving, code: Code, *problems: Problem) -> bytes | None:
        """The acknowledgement at receipt, None when the sender does not want it."""
        wish = arriving.expectation
        if wish.enhanced:
            if not wants(wish.accept, success=code == "AA"):
                return None
            code = _COMMIT[code]
        elif not wants(wish.application, success=code == "AA"):
            return None
        return acknowledge(
            arriving.message or arriving.raw,
            code,
            control_id=arriving.order[:_CONTROL_ID],
            at=self._clock(),
            problems=problems,
        )

    async def _stored(self, made: NewMessage, arriving: _Arriving) -> Receipt:
        wanted = made.application_wanted
        arrival = await self.store.add(made)
        if not arrival.new:
            return await self._again(made, arrival.earlier, arriving)
        if wanted == "checked":
            return Receipt(await self._after_check(made.id, arriving), made.id)
        if made.state == "received":
            self._arrived()
        if wanted == "original":
            return Receipt(await self._after_conversion(made.id, arriving), made.id)
        return Receipt(made.ack, made.id, application=bool(wanted))

    async def _again(
        self, made: NewMessage, earlier: MessageRecord | None, arriving: _Arriving
    ) -> Receipt:
        """A resend: the same answer, no second effect."""
        if earlier is None:
            raise Unavailable("The message was removed while it came again.")
        ack = earlier.ack
        if ack is None and earlier.wanted == "original":
            ack = await self._after_conversion(made.id, arriving)
        if ack is None and earlier.wanted == "checked":
            ack = await self._after_check(made.id, arriving)
        follows = earlier.wanted not in ("", "original", "checked")
        return Receipt(ack, made.id, duplicate=True, application=follows)

    async def _after_check(self, id: str, arriving: _Arriving) -> bytes | None:
        """Of a strict listener: the answer once the structure is checked."""
        assert arriving.message is not None
        try:
            async with asyncio.timeout(self._convert_seconds):
                against = await self._strictness.at_receipt(arriving.message, arriving.source)
        except TimeoutError:
            await self.store.let_go(id)
            self._arrived()
            problem = Problem("207", "The message is stored and not checked yet: send it again.")
            return self._answer(arriving, "AE", problem)
        if against is not None:
            return await self._refused(id, arriving, against)
        ack = self._answer(arriving, "AA")
        await self.store.let_pass(id, ack)
        self._arrived()
        return ack

    async def _refused(self, id: str, arriving: _Arriving, against: Against) -> bytes | None:
        ack = self._answer(arriving, against.ack, *against.problems)
        outcome = Outcome(
            id=id,
            state="failed",
            finished=self._clock(),
            code=against.code,
            text=against.text,
            report=against.report or None,
            ack=ack,
        )
        if await self.store.refuse(outcome):
            _log.warning("message failed", message=id, listener=arriving.source.listener)
            return ack
        # Somebody else has taken it meanwhile, and finds the same.
        return await self._after_conversion(id, arriving)

    def _held_until(self) -> datetime:
        return self._clock() + timedelta(seconds=self._convert_seconds) + _HELD_LONGER

    async def _after_conversion(self, id: str, arriving: _Arriving) -> bytes | None:
        try:
            async with asyncio.timeout(self._convert_seconds):
                await self.outcomes.ended(id)
        except TimeoutError:
            problem = Problem("207", "The message is stored and not converted yet: send it again.")
            return self._answer(arriving, "AE", problem)
        state = await self.store.state_of(id)
        return state[1] if state else None

    def _not_stored(self, arriving: _Arriving) -> Receipt:
        error: FhirError = Unavailable("The message could not be stored: send it again.")
        return Receipt(self._answer(arriving, error.ack, problem_of(error)[0]))


_COMMIT: dict[Code, Code] = {"AA": "CA", "AE": "CE", "AR": "CR"}


class _Arriving:
    """A message on its way in: what can be said of it before it is stored."""

    __slots__ = ("expectation", "message", "order", "raw", "source")

    def __init__(self, raw: bytes, source: Source, order: str) -> None:
        self.raw = raw
        self.source = source
        self.order = order
        try:
            self.message: Message | None = parse(raw, fallback=source.charset)
        except NotHl7:
            self.message = None
        self.expectation = (
            expected(self.message.header, source.mode)
            if self.message is not None
            else Expectation(enhanced=False, accept="NE", application="AL")
        )


def _wanted(arriving: _Arriving) -> str:
    """What is to be said later: `checked`, `original`, or the condition of MSH-16.

    The first is said when the structure is checked, the others when processing has ended.
    """
    wish = arriving.expectation
    if wish.enhanced:
        return "" if wish.application == "NE" else wish.application
    if wish.application == "NE":
        return ""
    if arriving.source.ack_after == "converted":
        return "original"
    return "checked" if arriving.source.strict else ""
