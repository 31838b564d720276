"""Writes acknowledgements, with the separators, character set and version of the request.

Source: HL7 v2.8.2 chapter 2, 2.14.8 (MSA), 2.14.5 (ERR); for versions before 2.5 v2.4 chapter 2,
2.16.5 (ERR-1 as ELD) and MSA-3 (text message).
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from integrations.hl7v2.acknowledgement.control_id import recover_control_id
from integrations.hl7v2.acknowledgement.problem import Problem, condition_codes
from integrations.hl7v2.message import Message, NotHl7, parse
from integrations.hl7v2.message.delimiters import Delimiters
from integrations.hl7v2.message.escapes import encode

Code = Literal["AA", "AE", "AR", "CA", "CE", "CR"]
"""Table 0008."""

NAME = "AIMED"
"""MSH-3 of an answer to a message that names no receiver."""

_STANDARD = Delimiters()
_FRAMING = re.compile(rb"[\x0b\x1c\x00]")
_PUNCTUATION = string.punctuation.encode("ascii")
_MINOR = re.compile(r"2\.(\d+)")


def acknowledge(
    request: Message | bytes,
    code: Code,
    *,
    control_id: str,
    at: datetime,
    problems: Sequence[Problem] = (),
    accept: str = "",
) -> bytes:
    """An acknowledgement of `request` without framing.

    `request` may be bytes that are no message: MSA-2 is then what can be found of MSH-10.
    `control_id` is MSH-10 of the answer; `accept` is its MSH-15, for an application
    acknowledgement in enhanced mode.
    """
    message = request if isinstance(request, Message) else _readable(request)
    if message is None or not _writable(message.delimiters):
        raw = request.raw if isinstance(request, Message) else request
        return _answer(_Sender(raw), code, control_id, at, problems, accept)
    return message.to_wire(_answer(_Known(message), code, control_id, at, problems, accept))


class _Sender:
    """What an answer takes over from bytes that cannot be read."""

    marks = _STANDARD
    trigger = structure = version = ""
    minor = 5

    def __init__(self, raw: bytes) -> None:
        self.control_id = encode(recover_control_id(raw), _STANDARD).encode("utf-8")

    def field(self, number: int) -> bytes:
        return b""


class _Known(_Sender):
    """What an answer takes over from a message."""

    def __init__(self, message: Message) -> None:
        marks = message.delimiters
        # Without an escape character the texts of an answer cannot be written.
        self.marks = marks if marks.escape else marks._replace(escape=b"\\")
        self._msh = message.segments[0]
        header = message.header
        self.trigger, self.version = header.trigger, header.version
        minor = _MINOR.match(header.version)
        self.minor = int(minor[1]) if minor else 5
        self.control_id = self.field(10)

    def field(self, number: int) -> bytes:
        # Framing bytes inside the data would end the frame of the answer.
        return _FRAMING.sub(b"", self._msh.raw_field(number))


def _answer(
    sender: _Sender,
    code: Code,
    control_id: str,
    at: datetime,
    problems: Sequence[Problem],
    accept: str,
) -> bytes:
    segments = [
        _header(sender, control_id, at, accept),
        _msa(sender, code, problems),
        *(_errors(sender, problems) if problems else ()),
    ]
    return b"".join(one + b"\r" for one in segments)


def _header(sender: _Sender, control_id: str, at: datetime, accept: str) -> bytes:
    marks = sender.marks
    kind = [b"ACK"]
    if sender.trigger:
        kind.append(_text(sender.trigger, marks))
        if sender.minor >= 4:
            kind.append(b"ACK")
    fields = [
        b"MSH",
        marks.encoding,
        sender.field(5) or NAME.encode(),
        sender.field(6),
        sender.field(3),
        sender.field(4),
        f"{at.astimezone(UTC):%Y%m%d%H%M%S}+0000".encode(),
        b"",
        marks.component.join(kind),
        _text(control_id, marks),
        sender.field(11) or b"P",
        sender.field(12) or b"2.5.1",
    ]
    if accept or sender.field(18):
        fields += [b"", b"", accept.encode(), b"NE" if accept else b"", b"", sender.field(18)]
    return marks.field.join(fields).rstrip(marks.field)


def _msa(sender: _Sender, code: Code, problems: Sequence[Problem]) -> bytes:
    fields = [b"MSA", code.encode(), sender.control_id]
    if problems and sender.minor < 5:
        fields.append(_text(problems[0].text, sender.marks))
    return sender.marks.field.join(fields)


def _errors(sender: _Sender, problems: Sequence[Problem]) -> list[bytes]:
    marks = sender.marks
    if sender.minor < 5:
        locations = marks.repetition.join(_eld(one, marks) for one in problems)
        return [b"ERR" + marks.field + locations]
    return [_err(one, marks) for one in problems]


def _eld(problem: Problem, marks: Delimiters) -> bytes:
    """Segment ^ sequence ^ field ^ code & text & system."""
    place = list(problem.location.parts[:3]) if problem.location else []
    place += [""] * (3 - len(place))
    coded = marks.subcomponent.join(_text(one, marks) for one in _coded(problem))
    return marks.component.join([*(_text(one, marks) for one in place), coded])


def _err(problem: Problem, marks: Delimiters) -> bytes:
    place = problem.location.parts if problem.location else ()
    fields = [
        b"ERR",
        b"",
        marks.component.join(_text(one, marks) for one in place),
        marks.component.join(_text(one, marks) for one in _coded(problem)),
        problem.severity.encode(),
        b"",
        b"",
        b"",
        _text(problem.text, marks),
    ]
    return marks.field.join(fields)


def _coded(problem: Problem) -> tuple[str, str, str]:
    return problem.code, condition_codes().get(problem.code, ""), "HL70357"


def _text(text: str, marks: Delimiters) -> bytes:
    return encode(text, marks).encode("utf-8", "replace")


def _writable(marks: Delimiters) -> bool:
    """Whether an answer can be written with these separators: unlike, and no letters or digits."""
    used = marks.field + marks.encoding
    return len(set(used)) == len(used) and all(one in _PUNCTUATION for one in used)


def _readable(raw: bytes) -> Message | None:
    try:
        return parse(raw)
    except NotHl7:
        return None
