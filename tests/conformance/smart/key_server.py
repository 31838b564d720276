"""A web server on loopback that publishes key sets, as an application's own does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from fhir_server.resource import dumps


@dataclass
class KeySets:
    """What each path answers, and the requests that came: method and path."""

    url: str = ""
    sets: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, path: str, *keys: dict[str, Any], control: str = "max-age=60") -> str:
        """Put a set at a path; the address is given back. `control` is its Cache-Control."""
        self.sets[path] = (dumps({"keys": list(keys)}), control)
        return f"{self.url}{path}"

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one == path for _, one in self.asked)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        self.asked.append((method, path))
        body, control = self.sets[path]
        writer.write(
            f"HTTP/1.1 200 OK\r\nCache-Control: {control}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()


@asynccontextmanager
async def key_server() -> AsyncIterator[KeySets]:
    """A running one without any set."""
    sets = KeySets()
    listening = await asyncio.start_server(sets.answer, "127.0.0.1", 0)
    sets.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield sets
