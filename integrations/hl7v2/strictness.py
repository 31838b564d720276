"""What a strict listener has against a message: MSH, and the structure by its version.

Source: HL7 v2.8.2 chapter 2, 2.9.2.2: what is wrong with type, version or processing id is rejected
(AR); what is wrong with the content is in error (AE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.hl7v2.acknowledgement import Problem
from integrations.hl7v2.acknowledgement.building import Code
from integrations.hl7v2.message import Message
from integrations.hl7v2.refusal import refusal
from integrations.hl7v2.settings import ListenerSettings
from integrations.hl7v2.source import Source
from integrations.hl7v2.structure.checked import CheckFailed, StructureChecker

_REJECTED = frozenset(("200", "201", "202", "203"))
_ANSWERED = 20
"""Most findings that an acknowledgement names; the message has all."""
_NAMED = 5
"""Most findings in the error's text."""


@dataclass(frozen=True, slots=True)
class Against:
    """Why a message is not converted. `problems` are for the acknowledgement, `report` has all."""

    ack: Code
    code: str
    text: str
    problems: tuple[Problem, ...]
    report: dict[str, Any] = field(default_factory=dict)


class Strictness:
    """Asks `checker` about the messages of strict listeners, and of no others."""

    def __init__(self, listeners: Sequence[ListenerSettings], checker: StructureChecker) -> None:
        self._strict = {one.name: one.charset for one in listeners if one.strict}
        self._checker = checker

    async def against(self, message: Message, listener: str) -> Against | None:
        """By the settings of the listener as they are now; None when there is nothing."""
        if listener not in self._strict:
            return None
        return await self._against(message, self._strict[listener])

    async def at_receipt(self, message: Message, source: Source) -> Against | None:
        """The same for a message that has just come."""
        return await self._against(message, source.charset) if source.strict else None

    async def _against(self, message: Message, fallback: str) -> Against | None:
        header = refusal(message, strict=True)
        if header is not None:
            return Against("AR", header.code, header.text, (header,))
        try:
            checked = await self._checker.check(message.raw, fallback)
        except CheckFailed as error:
            text = str(error)
            return Against("AE", "207", text, (Problem("207", text),))
        if not checked.findings:
            return None
        return _found(checked.findings, checked.document())


def _found(findings: tuple[Problem, ...], document: dict[str, Any]) -> Against:
    text = " ".join(one.text for one in findings[:_NAMED])
    if more := len(findings) - _NAMED:
        text += f" And {more} more." if more > 0 else ""
    answered = findings[:_ANSWERED]
    if len(findings) > _ANSWERED:
        rest = f"{len(findings) - _ANSWERED} more findings are not named."
        answered += (Problem("207", rest, severity="I"),)
    rejected = any(one.code in _REJECTED for one in findings)
    return Against(
        "AR" if rejected else "AE", findings[0].code, text, answered, {"structure": document}
    )
