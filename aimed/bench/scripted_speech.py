"""Speech recognition of declared speed, spoken to as Amazon Transcribe streaming is.

It knows the recording that is played and who says what when in it, so it needs no processor: what
is left of a latency beyond `SpeechDelays` is the product's own. It checks no signature.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from aimed.samples.consultation import Turn
from integrations.aws.transcribe.event_stream import encode
from pipelines.ports import AudioFormat

_HEADERS = {
    ":message-type": "event",
    ":event-type": "TranscriptEvent",
    ":content-type": "application/json",
}
_SURE = 0.97


@dataclass(frozen=True)
class SpeechDelays:
    """Seconds from the end of a word to its partial result, and of a turn to its final one."""

    partial: float = 0.3
    final: float = 0.8


@dataclass(frozen=True)
class Script:
    """What is played: interleaved PCM16, and its turns on the channel of their speaker's role."""

    pcm: bytes
    audio: AudioFormat
    turns: Sequence[Turn]
    delays: SpeechDelays = SpeechDelays()


@dataclass(frozen=True)
class _Word:
    text: str
    start: float
    end: float


@asynccontextmanager
async def speech_server(script: Script) -> AsyncIterator[str]:
    """A running server; its address."""

    async def stream(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await _Stream(script, connection).run()

    async with serve(stream, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"


class _Stream:
    """One stream: a session of a consultation, from wherever in the recording it begins."""

    def __init__(self, script: Script, connection: ServerConnection) -> None:
        self._script = script
        self._connection = connection
        self._words = [_spread(turn) for turn in script.turns]
        self._said = [0] * len(script.turns)
        self._begins: float | None = None
        self._heard = 0
        self._due: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def run(self) -> None:
        """Hear until the audio ends, and say everything in its time."""
        telling = asyncio.create_task(self._tell())
        try:
            while pcm := _payload(await self._connection.recv()):
                self._hear(pcm)
            self._finish()
            await telling
        finally:
            telling.cancel()

    def _hear(self, pcm: bytes) -> None:
        rate = self._script.audio.bytes_per_second
        if self._begins is None and pcm.strip(b"\0"):
            place = self._script.pcm.find(pcm)
            if place >= 0:
                self._begins = (place - self._heard) / rate
                self._skip(place / rate)
        self._heard += len(pcm)
        if self._begins is None:
            return
        for at in range(len(self._words)):
            self._follow(at, self._begins + self._heard / rate)

    def _skip(self, position: float) -> None:
        """What lies before the stream was heard by another one."""
        for at, words in enumerate(self._words):
            self._said[at] = sum(word.end <= position for word in words)

    def _follow(self, at: int, position: float) -> None:
        words, before = self._words[at], self._said[at]
        if before == len(words):
            return
        self._said[at] = sum(word.end <= position for word in words)
        if self._said[at] == before:
            return
        self._later(self._script.delays.partial, self._result(at, partial=True))
        if self._said[at] == len(words):
            self._later(self._script.delays.final, self._result(at, partial=False))

    def _finish(self) -> None:
        for at, words in enumerate(self._words):
            if 0 < self._said[at] < len(words) and self._begins is not None:
                self._later(self._script.delays.final, self._result(at, partial=False))
        loop = asyncio.get_running_loop()
        loop.call_later(self._script.delays.final + 0.01, self._due.put_nowait, None)

    def _later(self, delay: float, result: dict[str, Any]) -> None:
        asyncio.get_running_loop().call_later(delay, self._due.put_nowait, result)

    async def _tell(self) -> None:
        while (result := await self._due.get()) is not None:
            body = json.dumps({"Transcript": {"Results": [result]}}).encode()
            await self._connection.send(encode(_HEADERS, body))
        await self._connection.close()

    def _result(self, at: int, *, partial: bool) -> dict[str, Any]:
        """https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_Result.html"""
        assert self._begins is not None
        words = self._words[at][: self._said[at]]
        items = [
            {
                "Type": "pronunciation",
                "Content": word.text,
                "StartTime": word.start - self._begins,
                "EndTime": word.end - self._begins,
                "Confidence": _SURE,
            }
            for word in words
        ]
        transcript = " ".join(word.text for word in words)
        channel = self._script.audio.roles.index(self._script.turns[at].speaker)
        return {
            "ResultId": f"turn-{at}",
            "ChannelId": f"ch_{channel}",
            "StartTime": words[0].start - self._begins,
            "EndTime": words[-1].end - self._begins,
            "IsPartial": partial,
            "Alternatives": [{"Transcript": transcript, "Items": items}],
        }


def _payload(message: str | bytes) -> bytes:
    """The audio of an event: what lies between its headers and its last checksum."""
    assert isinstance(message, bytes)
    return message[12 + int.from_bytes(message[4:8]) : -4]


def _spread(turn: Turn) -> list[_Word]:
    return list(_words(turn))


def _words(turn: Turn) -> Iterator[_Word]:
    """The words of a turn, each as long as its letters are many."""
    texts = turn.text.split()
    seconds = (turn.end - turn.start) / sum(len(text) + 1 for text in texts)
    at = turn.start
    for text in texts:
        end = at + seconds * (len(text) + 1)
        yield _Word(text, at, end)
        at = end
