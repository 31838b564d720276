"""The structure of one message, as people are told of it."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.message import Message, NotHl7, parse
from integrations.hl7v2.structure.checked import CheckFailed, StructureChecker

Document = dict[str, Any]


async def structure_of(checker: StructureChecker, raw: bytes, fallback: str) -> Document:
    """`{"type", "control", "version", "structure", "findings", "failed"}`.

    `version` is that of the definitions. A finding is `{"code", "text", "place", "segment",
    "sequence", "field", ...}`, its place as people write it: PID[2]-3.1. `failed` says why
    there is no answer, else it is empty.
    """
    message = _readable(raw, fallback)
    told: Document = {"type": "", "control": "", "version": "", "structure": "", "findings": []}
    if message is not None:
        header = message.header
        told["type"] = "^".join(filter(None, (header.type, header.trigger)))
        told["control"] = header.control_id
    try:
        checked = await checker.check(raw, fallback)
    except CheckFailed as error:
        return told | {"failed": str(error)}
    return told | told_of(checked.document()) | {"failed": ""}


def told_of(document: Document) -> Document:
    """A stored check, with places as people write them."""
    findings = [{**one, "place": place_of(one)} for one in document["findings"]]
    return {**document, "findings": findings}


def place_of(finding: Document) -> str:
    """Segment, which of its kind unless it is the first, field, component, subcomponent."""
    place: str = finding["segment"]
    if finding["sequence"] > 1:
        place += f"[{finding['sequence']}]"
    if finding["field"]:
        place += f"-{finding['field']}"
        if finding["repetition"] > 1:
            place += f"[{finding['repetition']}]"
    for part in ("component", "subcomponent"):
        if finding[part]:
            place += f".{finding[part]}"
    return place


def _readable(raw: bytes, fallback: str) -> Message | None:
    try:
        return parse(raw, fallback=fallback)
    except NotHl7:
        return None
