"""A message as its segments and fields, each with what the conversion report says of it."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.message import Message
from integrations.hl7v2.message.segment import Segment

Document = dict[str, Any]
LONGEST = 2000
"""Characters of one field that are shown: a document in base64 would fill the page."""


def segments_of(message: Message, report: Document) -> list[Document]:
    """`[{"id", "index", "outcome"?, "reason"?, "fields": [{"position", "text", ...}]}]`.

    Texts are in the message's character set with separators and escapes as they were sent. A text
    that is cut has `length`, the whole length.
    """
    told = {one["index"]: one for one in report.get("segments", ())}
    return [_segment(one, message, told.get(one.index, {})) for one in message.segments]


def separator_of(message: Message) -> str:
    """MSH-1."""
    return message.delimiters.field.decode("latin-1")


def _segment(segment: Segment, message: Message, told: Document) -> Document:
    outcomes = {one["position"]: one for one in told.get("fields", ())}
    made = {"id": segment.id, "index": segment.index, **_of(told)}
    made["fields"] = [
        {"position": at, **_text(segment.raw_field(at), message), **_of(outcomes.get(at, {}))}
        for at in range(1, len(segment) + 1)
    ]
    return made


def _of(told: Document) -> Document:
    return {name: told[name] for name in ("outcome", "reason", "drafts") if name in told}


def _text(raw: bytes, message: Message) -> Document:
    text = message.to_wire(raw).decode(message.charset.used, "replace")
    if len(text) <= LONGEST:
        return {"text": text}
    return {"text": text[:LONGEST], "length": len(text)}
