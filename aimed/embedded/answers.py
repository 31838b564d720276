"""Whether a server answers a real request. Small enough to need no client libraries.

MongoDB: OP_MSG `{ping: 1}`, https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/.
Redis: `PING`, https://redis.io/docs/latest/develop/reference/protocol-spec/.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

import bson

_OP_MSG = 2013
_HEADER = struct.Struct("<iiiiiB")  # length, request, response to, op code, flags, section kind
_PATIENCE = 2.0
"""Seconds for one answer. A starting server refuses at once; one that hangs is asked again."""


async def mongo_answers(port: int) -> bool:
    """Whether a MongoDB server on a loopback port answers `ping` with ok."""
    body = bson.encode({"ping": 1, "$db": "admin"})
    request = _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG, 0, 0) + body
    answer = await _exchange(port, request, _read_message)
    return answer is not None and bson.decode(answer[_HEADER.size - 4 :]).get("ok") == 1


async def redis_answers(port: int) -> bool:
    """Whether a Redis server on a loopback port has loaded its data and answers `PING`."""
    return await _exchange(port, b"PING\r\n", asyncio.StreamReader.readline) == b"+PONG\r\n"


async def http_answers(port: int, host: str, path: str) -> bool:
    """Whether `GET path` is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = await _exchange(port, request, asyncio.StreamReader.readline, host)
    return answer is not None and answer.split(b" ")[1:2] == [b"200"]


async def accepts(port: int, host: str) -> bool:
    """Whether something takes connections there. For servers that speak only when spoken to."""
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
    return True


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack("<i", await reader.readexactly(4))
    return await reader.readexactly(length - 4)


async def _exchange(
    port: int,
    request: bytes,
    read: Callable[[asyncio.StreamReader], Awaitable[bytes]],
    host: str = "127.0.0.1",
) -> bytes | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                return await read(reader)
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, EOFError, TimeoutError):
        return None
