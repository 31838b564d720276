"""Sending messages by MLLP: one at a time, each with the answer that is its own.

HL7 v2 Transport Specification: MLLP, release 1: 0x0B, the message, 0x1C 0x0D. An answer counts when
its MSA-2 is the control id that was sent. After anything else the connection is closed, so that a
late answer can never be taken for that of the next message.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from integrations.hl7v2.acknowledgement.reading import read_acknowledgement
from integrations.hl7v2.message import NotHl7

CODES = ("AA", "AE", "AR", "CA", "CE", "CR")
START, END = b"\x0b", b"\x1c\r"
_LARGEST_ANSWER = 1024 * 1024
_CLOSING_SECONDS = 2.0


class FramingByte(Exception):
    """The message holds 0x0B or 0x1C, which end or begin a frame: it cannot be sent."""


class NotConnected(Exception):
    """There is no connection, so nothing was sent. `reason` is a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAnswered(Exception):
    """The message may have arrived or not. `reason`: timeout, closed, no-message, other-message."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    """An acknowledgement of the message that was sent: MSA-1, ERR-3 or MSA-6, and its bytes."""

    code: str
    error: str
    raw: bytes


@dataclass(frozen=True)
class Sent:
    """The message was sent, and no answer to it is to come."""


@dataclass(frozen=True)
class Peer:
    """Where a server listens. Times in seconds; `kept` keeps the connection between messages."""

    host: str
    port: int
    tls: Callable[[], ssl.SSLContext] | None = None
    server_name: str = ""
    kept: bool = True
    connect_seconds: float = 10
    ack_seconds: float = 30


class MllpClient:
    """A connection to one server, made when it is needed. Not for several tasks at once."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._tls: ssl.SSLContext | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ready(self, payload: bytes) -> None:
        """Have a connection for a message, which stays. Raises `FramingByte`, `NotConnected`."""
        _refuse_framing(payload)
        await self._connection()

    async def exchange(self, payload: bytes, control_id: str) -> Answer:
        """Send a message and return its answer.

        Raises `FramingByte`, `NotConnected`, and `NotAnswered` after which the message has to be
        sent again, on a new connection.
        """
        _refuse_framing(payload)
        reader, writer = await self._connection()
        try:
            async with asyncio.timeout(self._peer.ack_seconds):
                writer.write(START + payload + END)
                await writer.drain()
                frame = await _frame(reader)
            answer = _answer(frame, control_id)
        except TimeoutError:
            await self.aclose(at_once=True)
            raise NotAnswered("timeout") from None
        except (OSError, EOFError):
            await self.aclose(at_once=True)
            raise NotAnswered("closed") from None
        except BaseException:
            await self.aclose(at_once=True)
            raise
        if not self._peer.kept:
            await self.aclose()
        return answer

    async def send(self, payload: bytes) -> Sent:
        """Send a message that nobody answers: an acknowledgement with MSH-15 NE.

        Raises as `exchange`. That it arrived is not known.
        """
        _refuse_framing(payload)
        _, writer = await self._connection()
        try:
            async with asyncio.timeout(self._peer.ack_seconds):
                writer.write(START + payload + END)
                await writer.drain()
        except (TimeoutError, OSError):
            await self.aclose(at_once=True)
            raise NotAnswered("closed") from None
        await self.aclose()  # a farewell of TCP delivers what was written
        return Sent()

    async def aclose(self, *, at_once: bool = False) -> None:
        """Close the connection if there is one; `at_once` without a farewell of TLS or TCP."""
        if self._streams is None:
            return
        _, writer = self._streams
        self._streams = None
        if at_once:
            writer.transport.abort()
        else:
            writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await writer.wait_closed()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None:
            reader, _ = self._streams
            # The server closed it, or something came that nobody waits for: a late answer.
            if reader.at_eof() or _has_bytes(reader):
                await self.aclose(at_once=True)
        if self._streams is None:
            self._streams = await self._connect()
        return self._streams

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        peer = self._peer
        try:
            if peer.tls is not None and self._tls is None:
                self._tls = await asyncio.to_thread(peer.tls)
            async with asyncio.timeout(peer.connect_seconds):
                return await asyncio.open_connection(
                    peer.host,
                    peer.port,
                    limit=_LARGEST_ANSWER,
                    ssl=self._tls,
                    server_hostname=(peer.server_name or peer.host) if self._tls else None,
                )
        except TimeoutError:
            raise NotConnected("timeout") from None
        except ssl.SSLError as error:
            raise NotConnected(f"tls: {error.reason or 'refused'}") from None
        except OSError as error:
            raise NotConnected(_plainly(error)) from None


def _plainly(error: OSError) -> str:
    """Why there is no connection, as an operator says it: "connection refused"."""
    if isinstance(error, socket.gaierror):
        return "host name unknown"
    return os.strerror(error.errno).lower() if error.errno else "no address answers"


def _refuse_framing(payload: bytes) -> None:
    if START in payload or END[:1] in payload:
        raise FramingByte


def _has_bytes(reader: asyncio.StreamReader) -> bool:
    # The reader has no public way to tell without waiting.
    return bool(reader._buffer)  # type: ignore[attr-defined]


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame's content; what comes before its first byte is dropped. Raises `EOFError`."""
    try:
        await reader.readuntil(START)
        found = await reader.readuntil(END)
    except asyncio.LimitOverrunError:
        raise NotAnswered("no-message") from None
    return found[: -len(END)].rpartition(START)[2]


def _answer(frame: bytes, control_id: str) -> Answer:
    try:
        found = read_acknowledgement(frame)
    except NotHl7:
        raise NotAnswered("no-message") from None
    if found.control_id.strip() != control_id:
        raise NotAnswered("other-message")
    if found.code not in CODES:
        raise NotAnswered("no-message")
    error = next((one.code for one in found.problems if one.code), "")
    return Answer(found.code, error, frame)
