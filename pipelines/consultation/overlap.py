"""Words that are heard again after a restart.

A session resumes at `settled` with the sound of what is in the journal taken out (`muting`), so an
engine hears little of it again: the tail of a word where two engines disagree about its end. What
lies wholly before the end of the journal is dropped; what reaches beyond it is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipelines.ports import Segment, TranscriptFinal

_SEAM = 0.02
"""Seconds by which the end of one and the same word may differ between two runs of an engine."""


def heard_until(segments: Iterable[Segment]) -> dict[int, float]:
    """For each channel the end of its last journalled segment, in seconds."""
    heard: dict[int, float] = {}
    for segment in segments:
        heard[segment.channel] = max(heard.get(segment.channel, 0.0), segment.end)
    return heard


def unheard(final: TranscriptFinal, until: float) -> TranscriptFinal | None:
    """The part of `final` that reaches beyond `until`, None when all of it was heard before."""
    if final.start >= until:
        return final
    if not final.words:
        return final if final.end > until + _SEAM else None
    words = tuple(word for word in final.words if word.end > until + _SEAM)
    if not words:
        return None
    if len(words) == len(final.words):
        return final
    text = "".join(_spaced(word.text) for word in words).strip()
    return replace(final, start=words[0].start, text=text, words=words)


def _spaced(text: str) -> str:
    return text if text.startswith(" ") else f" {text}"
