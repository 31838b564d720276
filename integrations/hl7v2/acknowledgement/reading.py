"""Reads the acknowledgements that others send us."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.hl7v2.acknowledgement.problem import Location, Problem, Severity
from integrations.hl7v2.message import Message, Segment, parse

_SEVERITIES: tuple[Severity, ...] = ("E", "W", "I", "F")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`code` is MSA-1, `control_id` MSA-2: the message that is answered. Empty when not sent.

    `problems` may quote patient data, for the other side wrote them: not for logs.
    """

    code: str
    control_id: str
    text: str
    problems: tuple[Problem, ...]


def read_acknowledgement(raw: bytes) -> Acknowledgement:
    """What an answer without framing says. Raises `NotHl7`."""
    message = parse(raw)
    msa = message.first("MSA")
    return Acknowledgement(
        code=msa.text("1").strip().upper() if msa else "",
        control_id=msa.text("2") if msa else "",
        text=msa.text("3") if msa else "",
        problems=tuple(_problems(message)),
    )


def _problems(message: Message) -> list[Problem]:
    found = []
    for err in message.all("ERR"):
        if err[3] or err[8]:
            severity = next((one for one in _SEVERITIES if one == err.text("4")), _SEVERITIES[0])
            found.append(Problem(err.text("3.1"), err.text("8"), _erl(err), severity))
        else:
            found += _old(err)
    return found


def _erl(err: Segment) -> Location | None:
    segment = err.text("2.1")
    if not segment:
        return None
    numbers = [_number(err.text(f"2.{part}")) for part in range(2, 7)]
    return Location(segment, numbers[0] or 1, *numbers[1:])


def _old(err: Segment) -> list[Problem]:
    found = []
    for eld in err[1].repetitions:
        place = None
        if eld[1]:
            place = Location(eld[1].text, _number(eld[2].text) or 1, _number(eld[3].text))
        found.append(Problem(eld[4][1].text, eld[4][2].text, place))
    return found


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
