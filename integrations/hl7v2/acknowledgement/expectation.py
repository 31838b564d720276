"""Which answers a sender wants.

Original mode: one application acknowledgement (AA, AE, AR). Enhanced mode: a commit
acknowledgement (CA, CE, CR) by the condition in MSH-15, then the application's answer as a message
of its own by the condition in MSH-16. The mode is enhanced when either field is valued.

Source: HL7 v2.8.2 chapter 2, 2.9.2-2.9.3; table 0155 (AL, NE, ER, SU).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from integrations.hl7v2.message.header import Header

Mode = Literal["auto", "original", "enhanced"]
"""`auto` goes by MSH-15 and MSH-16. The others are for senders that fill them in without meaning
it, or mean it without filling them in."""

Condition = Literal["AL", "NE", "ER", "SU"]
_CONDITIONS: dict[str, Condition] = {"AL": "AL", "NE": "NE", "ER": "ER", "SU": "SU"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """`accept` is the condition of the commit acknowledgement, `application` of the other one."""

    enhanced: bool
    accept: Condition
    application: Condition


ORIGINAL = Expectation(enhanced=False, accept="NE", application="AL")
_ENHANCED = Expectation(enhanced=True, accept="AL", application="NE")


def expected(header: Header, mode: Mode = "auto") -> Expectation:
    """What the sender of this message wants. Nobody wants an answer to an acknowledgement."""
    if header.type in ("ACK", "MCF"):
        return Expectation(enhanced=False, accept="NE", application="NE")
    valued = bool(header.accept_ack or header.application_ack)
    if mode == "original" or (mode == "auto" and not valued):
        return ORIGINAL
    if not valued:
        return _ENHANCED
    return Expectation(True, _condition(header.accept_ack), _condition(header.application_ack))


def _condition(value: str) -> Condition:
    if not value:
        return "NE"
    # A sender that writes something else waits for an answer: rather one too many.
    return _CONDITIONS.get(value.strip().upper(), "AL")


def wants(condition: Condition, *, success: bool) -> bool:
    """Whether an answer is due under this condition."""
    return condition == "AL" or condition == ("SU" if success else "ER")
