"""Systems that messages are sent to: real servers of others, and one that follows a script."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import hl7
from hl7.mllp import start_hl7_server
from hl7apy.mllp import AbstractHandler, MLLPServer

START, END = b"\x0b", b"\x1c\r"


def acknowledgement(code: str, control_id: str, *more: str) -> bytes:
    segments = [f"MSH|^~\\&|LAB||AIMED||20260101||ACK|R{control_id}|P|2.5.1"]
    segments += [f"MSA|{code}|{control_id}", *more]
    return START + "".join(f"{one}\r" for one in segments).encode() + END


def control_id_of(frame: bytes) -> str:
    return frame.split(b"\r", 1)[0].split(b"|")[9].decode()


@dataclass
class Scripted:
    """Does, for each message that comes, the next thing of `script`; AA when there is none left.

    AA AE AR CA CE CR, `silent`, `close` without an answer, `half` of an answer, `garbage`,
    `wrong` another message's answer, `late` an answer once `release` is set, `twice` two answers.
    """

    script: list[str] = field(default_factory=list)
    received: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ids(self) -> list[str]:
        """The control ids in the order they came."""
        return [control_id_of(frame) for _, frame in self.received]

    async def until(self, count: int, seconds: float = 20) -> None:
        """Wait until so many messages came."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.received) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        with suppress(EOFError, OSError):
            while True:
                frame = (await reader.readuntil(END))[1:-2]
                async with self.arrived:
                    self.received.append((number, frame))
                    self.arrived.notify_all()
                if not await self._answer(control_id_of(frame), writer):
                    break
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _answer(self, id: str, writer: asyncio.StreamWriter) -> bool:
        what = self.script.pop(0) if self.script else "AA"
        answers = {
            "silent": b"",
            "half": acknowledgement("AA", id)[:-20],
            "garbage": START + b"HTTP/1.1 400 Bad Request\r\n" + END,
            "wrong": acknowledgement("AA", "OTHER"),
            "twice": acknowledgement("AA", id) * 2,
            "AE": acknowledgement("AE", id, "ERR||PID^1^3|204^Unknown key identifier^HL70357|E"),
        }
        if what == "close":
            return False
        if what == "late":
            await self.release.wait()
            what = "AA"
        writer.write(answers.get(what, acknowledgement(what, id)))
        await writer.drain()
        return True


@asynccontextmanager
async def scripted(*script: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """A destination that does what is asked, on a port of its own."""
    made = Scripted(list(script))
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await made.serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def hl7apy_server() -> Iterator[tuple[int, list[str]]]:
    """hl7apy's server: one message a connection, then it closes. The port, and what came."""
    came: list[str] = []

    class Accept(AbstractHandler):  # type: ignore[misc]
        def reply(self) -> str:
            came.append(self.incoming_message)
            id = control_id_of(self.incoming_message.encode())
            return acknowledgement("AA", id).decode()

    kinds = ["MDM^T02^MDM_T02", "MDM^T08^MDM_T02", "ORU^R01^ORU_R01", "ADT^A28^ADT_A05"]
    kinds += ["ADT^A31^ADT_A05", "ADT^A04^ADT_A01", "ADT^A03^ADT_A03", "SIU^S12^SIU_S12"]
    server = MLLPServer("127.0.0.1", 0, dict.fromkeys(kinds, (Accept,)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@asynccontextmanager
async def python_hl7_server() -> AsyncIterator[tuple[int, list[str]]]:
    """python-hl7's server: many messages a connection. The port, and what came."""
    came: list[str] = []

    async def serve(reader: Any, writer: Any) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                message: hl7.Message = await reader.readmessage()
                came.append(str(message))
                writer.writemessage(message.create_ack())
                await writer.drain()
        writer.close()

    server = await start_hl7_server(serve, "127.0.0.1", 0, encoding="utf-8")
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()
