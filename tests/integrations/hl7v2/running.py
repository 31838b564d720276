"""A running HL7 v2 side: store, intake, processor and MLLP server on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fhir_server.clock import Clock, OrderedIds, system_clock
from fhir_server.store.connection import Database
from integrations.hl7v2.acknowledgement import ReturnPath
from integrations.hl7v2.intake import Intake
from integrations.hl7v2.message import Message, parse
from integrations.hl7v2.mllp import Deframer, Frame, MllpServer
from integrations.hl7v2.mllp.admissions import Admission, Recorder
from integrations.hl7v2.processing import (
    AttemptsHere,
    Converted,
    Ignored,
    Outcomes,
    Processor,
    Work,
)
from integrations.hl7v2.processing.returning import Returning
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.store import Lease, MessageStore, prepare
from integrations.hl7v2.strictness import Strictness
from integrations.hl7v2.structure.pool import CheckingPool


def message(number: int | str, *, patient: str = "4711", rest: str = "", body: str = "") -> bytes:
    """An ADT message with this MSH-10."""
    return (
        f"MSH|^~\\&|APP|FAC|RA|RF|20240102||ADT^A08^ADT_A01|{number}|P|2.5.1{rest}\r"
        f"PID|1||{patient}^^^HOSP^MR||Doe^Jane\r{body}"
    ).encode()


@dataclass
class Registry:
    """A converter that writes one document a message: who was converted, in which order."""

    database: Database
    seconds: float = 0.0
    fail: dict[str, list[Exception]] = field(default_factory=dict)
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    """Messages that are not converted before their event is set."""
    begun: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    async def __call__(self, work: Work) -> Converted | Ignored:
        control = work.message.header.control_id
        self.begun.append(control)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if held := self.hold.get(control):
            await held.wait()
        if faults := self.fail.get(control):
            raise faults.pop(0)
        if control.startswith("ignore"):
            return Ignored("Not for us.")
        await self.database["registry"].update_one(
            {"_id": work.record.id}, {"$set": {"control": control}}, upsert=True
        )
        self.order.append(control)
        return Converted((f"Patient/{control}",), {"mapped": 1})


@dataclass
class Running:
    """The parts, to look into."""

    store: MessageStore
    intake: Intake
    server: MllpServer
    registry: Registry
    processor: Processor
    stopped: asyncio.Event
    checking: CheckingPool

    @property
    def port(self) -> int:
        return self.server.addresses[0][2]


async def unrecorded(admission: Admission, more: int) -> None:
    """Most tests look at no audit trail."""


@asynccontextmanager
async def running(
    database: Database,
    settings: dict[str, Any] | None = None,
    *,
    path: ReturnPath | None = None,
    processing: bool = True,
    name: str = "test",
    record: Recorder = unrecorded,
    clock: Clock = system_clock,
) -> AsyncIterator[Running]:
    """Everything on one database, stopped at the end."""
    await prepare(database)
    chosen = Hl7v2Settings.model_validate(settings or {})
    checking = CheckingPool(chosen.structure)
    strictness = Strictness(chosen.listeners, checking)
    store, registry, ids = MessageStore(database), Registry(database), OrderedIds()
    outcomes = Outcomes(store)
    processor = Processor(
        store,
        outcomes,
        AttemptsHere(registry),
        Returning(store, path),
        strictness,
        lease=Lease(database, "processing", name, timedelta(seconds=10)),
        clock=system_clock,
        ids=ids,
        lanes=chosen.lanes,
        attempts=chosen.attempts,
        first_pause=0.02,
    )
    intake = Intake(
        store,
        outcomes,
        strictness,
        clock=system_clock,
        ids=ids,
        convert_seconds=chosen.convert_seconds,
        arrived=processor.arrived,
    )
    stopped = asyncio.Event()
    task = asyncio.create_task(processor.run(stopped)) if processing else None
    server = MllpServer(intake, chosen, record=record, clock=clock)
    await server.start()
    try:
        yield Running(store, intake, server, registry, processor, stopped, checking)
    finally:
        await server.stop()
        stopped.set()
        if task is not None:
            await task
        await store.aclose()
        await checking.aclose()


class Peer:
    """A client on a socket, byte by byte if need be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._deframer = Deframer(1 << 24)
        self._ready: list[Message] = []

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, raw: bytes) -> None:
        await self.write(b"\x0b" + raw + b"\x1c\r")

    async def answer(self, seconds: float = 60) -> Message:
        """The next answer. Raises EOFError when the server closes instead."""
        async with asyncio.timeout(seconds):
            while not self._ready:
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError
                events = self._deframer.feed(data)
                assert all(isinstance(one, Frame) for one in events)
                self._ready += [parse(one.payload) for one in events if isinstance(one, Frame)]
        return self._ready.pop(0)

    async def ask(self, raw: bytes) -> Message:
        await self.send(raw)
        return await self.answer()

    async def closed(self, seconds: float = 60) -> bool:
        """Whether the server closes without another answer."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


@asynccontextmanager
async def peer(port: int, **options: Any) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    one = Peer(reader, writer)
    try:
        yield one
    finally:
        await one.close()


def codes(answer: Message) -> tuple[str, str]:
    """MSA-1 and MSA-2."""
    (msa,) = answer.all("MSA")
    return msa.text("1"), msa.text("2")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  what is awaited is in the database
            await asyncio.sleep(0.01)


async def assert_converted_once(database: Database, each: int) -> None:
    """Of `each` patients there is one admission and one result in FHIR, and no more."""
    expected = dict.fromkeys(("Patient", "Encounter", "Observation", "DiagnosticReport"), each)
    expected["Provenance"] = 2 * each
    found = {
        type: await database["resources"].count_documents({"type": type, "deleted": False})
        for type in expected
    }
    assert found == expected
