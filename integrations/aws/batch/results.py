"""The JSON that a job leaves, as final results.

https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html#how-output
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from integrations.aws.faults import ENGINE
from integrations.aws.transcribe.items import Item, Piece, pieces
from pipelines.engines.errors import EngineUnavailable
from pipelines.ports import TranscriptFinal

_PAUSE = 0.8
"""Seconds without a word after which a new segment begins."""

_LONGEST = 20.0
_STOPS = (".", "?", "!")


def read(content: bytes, channels: int, job: str) -> list[TranscriptFinal]:
    """All segments by their beginning. Raises `EngineUnavailable` for what is no result."""
    try:
        results = json.loads(content)["results"]
        found = [
            final
            for channel, items in _channels(results, channels)
            for final in _finals(channel, [_item(one, _speakers(results)) for one in items], job)
        ]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise EngineUnavailable(
            ENGINE,
            "The result of the job cannot be read.",
            "Order the transcription again; if it stays so, this form of result is not known here.",
        ) from None
    return sorted(found, key=lambda one: (one.start, one.channel))


def _channels(results: dict[str, Any], channels: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    labels = results.get("channel_labels")
    if channels == 1 or labels is None:
        yield 0, results["items"]
        return
    for one in labels["channels"]:
        channel = int(str(one["channel_label"]).removeprefix("ch_"))
        if not 0 <= channel < channels:
            raise ValueError("no such channel")
        yield channel, one["items"]


def _speakers(results: dict[str, Any]) -> dict[str, str]:
    """Speakers by the beginning of a word, where items do not name theirs."""
    segments = (results.get("speaker_labels") or {}).get("segments") or ()
    return {
        one["start_time"]: one["speaker_label"]
        for segment in segments
        for one in segment.get("items") or ()
    }


def _item(item: dict[str, Any], speakers: dict[str, str]) -> Item:
    best = item["alternatives"][0]
    timed = item["type"] != "punctuation"
    return Item(
        text=str(best["content"]),
        start=float(item["start_time"]) if timed else None,
        end=float(item["end_time"]) if timed else None,
        confidence=float(best.get("confidence") or 0.0),
        speaker=item.get("speaker_label") or speakers.get(item.get("start_time", "")),
    )


def _finals(channel: int, items: Sequence[Item], job: str) -> Iterator[TranscriptFinal]:
    for whole in pieces(items, lambda second: round(second, 3)):
        for piece in _sentences(whole):
            yield TranscriptFinal(
                channel=channel,
                start=piece.words[0].start,
                end=piece.words[-1].end,
                text=piece.text,
                confidence=piece.confidence,
                settled=piece.words[-1].end,
                words=piece.words,
                speaker=None if piece.speaker is None else f"{job}:{piece.speaker}",
            )


def _sentences(piece: Piece) -> Iterator[Piece]:
    """Cut where somebody pauses, and at the end of a sentence once it has become long."""
    begin = 0
    for place, (word, following) in enumerate(pairwise(piece.words), start=1):
        long = word.end - piece.words[begin].start >= _LONGEST and word.text.endswith(_STOPS)
        if following.start - word.end >= _PAUSE or long:
            yield Piece(piece.speaker, piece.words[begin:place])
            begin = place
    yield Piece(piece.speaker, piece.words[begin:])
