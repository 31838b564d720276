"""A language model of declared speed behind chat completions: it quotes what was said.

It answers any request with server-sent events, as slowly as a real model writes a note. What it
quotes bears itself out, so that the product keeps every sentence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

MODEL = "scripted"
_PIECE = 24
"""Characters: some six tokens."""
_BEGIN = '{"chart"'
_SECTIONS = {"subjective": "patient", "objective": "", "assessment": "", "plan": "doctor"}


@dataclass(frozen=True)
class NoteDelays:
    """The least and the most seconds that one answer takes, to its end."""

    least: float = 8.0
    most: float = 12.0


@asynccontextmanager
async def note_server(delays: NoteDelays, seed: int = 1) -> AsyncIterator[str]:
    """A running server; its `base_url`."""
    dice = Random(seed)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seconds = dice.uniform(delays.least, delays.most)
        task = asyncio.create_task(_serve(reader, writer, seconds))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """One request, one answer; then the connection ends."""
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            request = json.loads(await reader.readexactly(length))
            await _answer(writer, quoted(request), seconds)
    finally:
        writer.close()


def quoted(request: dict[str, Any]) -> str:
    """The note: what the patient says is subjective, what the doctor says is the plan."""
    content = str(request["messages"][-1]["content"])
    visit = json.loads(content[content.rindex(_BEGIN) :])
    note = {
        section: [
            {"text": one["text"], "evidence": [one["id"]]}
            for one in visit["segments"]
            if one["role"] == role
        ]
        for section, role in _SECTIONS.items()
    }
    return json.dumps(note)


async def _answer(writer: asyncio.StreamWriter, text: str, seconds: float) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    for piece in pieces:
        await asyncio.sleep(seconds / len(pieces))
        await _event(writer, [{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
    await _event(writer, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
    writer.write(b"data: [DONE]\n\n")
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, choices: list[dict[str, Any]]) -> None:
    event = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": choices,
    }
    writer.write(f"data: {json.dumps(event)}\n\n".encode())
    await writer.drain()
