"""Segments with only such characters as the destination's character set has."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.hl7v2.outbound.charsets import writable
from integrations.hl7v2.outbound.drafts import Component, SegmentDraft, Value


def reworded(segments: Sequence[SegmentDraft], codec: str) -> tuple[list[SegmentDraft], int]:
    """The segments, and how many characters had to be replaced."""
    writing = _Writing(codec)
    made = [
        SegmentDraft(one.id, {n: [writing.value(v) for v in vs] for n, vs in one.fields.items()})
        for one in segments
    ]
    return made, writing.replaced


class _Writing:
    def __init__(self, codec: str) -> None:
        self._codec = codec
        self.replaced = 0

    def value(self, value: Value) -> Value:
        return tuple(self._component(one) for one in value)

    def _component(self, component: Component) -> Component:
        if isinstance(component, str):
            return self._text(component)
        return tuple(self._text(one) for one in component)

    def _text(self, text: str) -> str:
        written, count = writable(text, self._codec)
        self.replaced += count
        return written
