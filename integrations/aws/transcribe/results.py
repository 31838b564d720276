"""TranscriptEvents as partial and final results, in an order that may be resumed from.

https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_Result.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from integrations.aws.faults import ENGINE
from integrations.aws.transcribe.items import Item, Piece, pieces
from integrations.aws.transcribe.time_line import TimeLine
from pipelines.engines.errors import EngineUnavailable
from pipelines.ports import TranscriptFinal, TranscriptPartial

TranscriptResult = TranscriptPartial | TranscriptFinal


@dataclass(frozen=True)
class _Result:
    """One result of an event. Times are of the consultation."""

    id: str
    channel: int
    start: float
    end: float
    text: str
    partial: bool
    pieces: tuple[Piece, ...]


class ResultReader:
    """The results of one stream.

    A final that overtakes an earlier one of its channel waits for it, because what lies before
    the last final of a channel counts as heard. Speakers are told apart within a stream only, so
    `label` makes their names differ from those of another stream.
    """

    def __init__(self, channels: int, line: TimeLine, *, late: float, label: str) -> None:
        self._line = line
        self._late = late
        self._label = label
        self._open: list[dict[str, float]] = [{} for _ in range(channels)]
        self._held: list[list[_Result]] = [[] for _ in range(channels)]
        self._done = [line.time(0.0)] * channels
        self._newest = line.time(0.0)

    @property
    def speaking(self) -> bool:
        """Whether something partial is still to become final."""
        return any(self._open)

    def read(self, body: dict[str, Any]) -> Iterator[TranscriptResult]:
        """The results of one TranscriptEvent. Raises `EngineUnavailable` for what is none."""
        try:
            found = [self._parse(one) for one in body["Transcript"]["Results"]]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise EngineUnavailable(
                ENGINE,
                "The service sent a result that cannot be read.",
                "Try again; if it stays so, this version of the service is not known here.",
            ) from None
        for result in found:
            yield from self._take(result)

    def rest(self) -> Iterator[TranscriptFinal]:
        """What still waited for something earlier when the stream ended."""
        for held, still_open in zip(self._held, self._open, strict=True):
            still_open.clear()
            held.sort(key=lambda one: one.start)
        for channel in range(len(self._held)):
            yield from self._release(channel)

    def _take(self, result: _Result) -> Iterator[TranscriptResult]:
        self._newest = max(self._newest, result.end)
        still_open = self._open[result.channel]
        if result.partial:
            still_open.setdefault(result.id, result.start)
            if result.text:
                yield TranscriptPartial(result.channel, result.start, result.end, result.text)
            return
        still_open.pop(result.id, None)
        held = self._held[result.channel]
        held.append(result)
        held.sort(key=lambda one: one.start)
        yield from self._release(result.channel)

    def _release(self, channel: int) -> Iterator[TranscriptFinal]:
        held, still_open = self._held[channel], self._open[channel]
        while held and held[0].start <= min(still_open.values(), default=held[0].start):
            result = held.pop(0)
            self._done[channel] = max(self._done[channel], result.end)
            settled = self._settled()
            for place, piece in enumerate(result.pieces):
                later = result.pieces[place + 1 :]
                reached = min(settled, later[0].words[0].start) if later else settled
                yield self._final(result, piece, reached)

    def _final(self, result: _Result, piece: Piece, settled: float) -> TranscriptFinal:
        alone = len(result.pieces) == 1
        speaker = None if piece.speaker is None else f"{self._label}:{piece.speaker}"
        return TranscriptFinal(
            channel=result.channel,
            start=piece.words[0].start,
            end=piece.words[-1].end,
            text=result.text if alone and result.text else piece.text,
            confidence=piece.confidence,
            settled=settled,
            words=piece.words,
            speaker=speaker,
        )

    def _settled(self) -> float:
        """The time before which nothing is still to come on any channel."""
        reached = []
        for done, held, still_open in zip(self._done, self._held, self._open, strict=True):
            waiting = [*still_open.values(), *(one.start for one in held)]
            reached.append(min(waiting, default=max(done, self._newest - self._late)))
        return min(reached)

    def _parse(self, result: dict[str, Any]) -> _Result:
        best = (result.get("Alternatives") or [{}])[0]
        items = [_item(one) for one in best.get("Items") or ()]
        start, end = float(result["StartTime"]), float(result["EndTime"])
        parsed = _Result(
            id=str(result["ResultId"]),
            channel=self._channel(result.get("ChannelId")),
            start=self._line.time(start),
            end=self._line.time(end),
            text=str(best.get("Transcript") or "").strip(),
            partial=bool(result["IsPartial"]),
            pieces=tuple(pieces(items, self._line.time)),
        )
        if parsed.text and not parsed.partial and not parsed.pieces:
            # Without items the whole result is one "word" of unknown certainty.
            whole = [Item(parsed.text, start, end, 0.0)]
            return replace(parsed, pieces=tuple(pieces(whole, self._line.time)))
        return parsed

    def _channel(self, id: str | None) -> int:
        """`ch_0` and `ch_1` in a stream of two channels."""
        channel = int(id.removeprefix("ch_")) if id else 0
        if not 0 <= channel < len(self._open):
            raise ValueError("no such channel")
        return channel


def _item(item: dict[str, Any]) -> Item:
    timed = item.get("Type") != "punctuation"
    speaker = item.get("Speaker")
    return Item(
        text=str(item["Content"]),
        start=float(item["StartTime"]) if timed else None,
        end=float(item["EndTime"]) if timed else None,
        confidence=float(item.get("Confidence") or 0.0),
        speaker=None if speaker is None else str(speaker),
    )
