"""Words that are heard again after a restart.

Transcription resumes at `settled`, and a channel may have final segments beyond it: those words
come a second time and must not enter the journal twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipelines.ports import Segment, TranscriptFinal


def heard_until(segments: Iterable[Segment]) -> dict[int, float]:
    """For each channel the end of its last journalled segment, in seconds."""
    heard: dict[int, float] = {}
    for segment in segments:
        heard[segment.channel] = max(heard.get(segment.channel, 0.0), segment.end)
    return heard


def unheard(final: TranscriptFinal, until: float) -> TranscriptFinal | None:
    """The part of `final` after `until`, None when all of it was heard before.

    A word counts by its middle, because two runs over the same audio differ by some hundredths
    of a second at its edges.
    """
    if final.start >= until:
        return final
    words = tuple(word for word in final.words if (word.start + word.end) / 2 >= until)
    if not words:
        middle = (final.start + final.end) / 2
        return None if final.words or middle < until else final
    if len(words) == len(final.words):
        return final
    text = "".join(_spaced(word.text) for word in words).strip()
    return replace(final, start=words[0].start, text=text, words=words)


def _spaced(text: str) -> str:
    return text if text.startswith(" ") else f" {text}"
