"""Measures HL7 v2: parsing and conversion here, intake by an `aimed mllp` of its own over real
sockets, and all of it up to FHIR in MongoDB.

Every message is different and durable before it is acknowledged; each client waits for an
acknowledgement before it sends the next message, as real senders do.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from aimed.bench.measuring import ApiCpu
from aimed.seldom_collected import seldom_collected
from fhir_server.store.connection import Database
from integrations.hl7v2.mapping.engine import convert
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.mapping.tables import default_tables
from integrations.hl7v2.message import parse
from integrations.hl7v2.mllp import framed
from integrations.hl7v2.store import MessageQuery, MessageStore, NewMessage, message_id, search

_READY_SECONDS = 60
_SENDERS = 4
_POLL_SECONDS = 0.25
"""Each look sorts what waits: SecantusDB sorts without an index, some 7 ms for 300 messages."""


@dataclass(frozen=True)
class IntakeRate:
    """`p50` and `p99` are milliseconds from the first byte sent to the acknowledgement.

    `converting` is whether the same process converted meanwhile; its CPU times are then of both.
    The CPU times are milliseconds a message; None where they cannot be read.
    """

    connections: int
    converting: bool
    messages: int
    per_second: float
    p50: float
    p99: float
    refused: int
    server_cpu: float | None
    database_cpu: float | None


@dataclass(frozen=True)
class EndToEnd:
    """Messages from the first byte sent to the last resource written, by one `aimed mllp`.

    `resources` are those of a message, created, changed or found as they should be, Provenance
    included and AuditEvents not; the CPU times are milliseconds a message.
    """

    kind: str
    messages: int
    per_second: float
    failed: int
    resources: float
    server_cpu: float | None
    database_cpu: float | None

    @property
    def database_share(self) -> float | None:
        """How much of the CPU time of a message is the database's."""
        if self.server_cpu is None or self.database_cpu is None:
            return None
        return self.database_cpu / (self.server_cpu + self.database_cpu)


@dataclass(frozen=True)
class Figures:
    """`load` is the machine's load average before it began, `bytes` the size of an ADT.

    `database_ms` is one insert of such a message, waited for, and nothing else.
    `converted_per_second` is conversion alone on one core, by kind of message.
    """

    load: float
    bytes: int
    parsed_per_second: float
    converted_per_second: dict[str, float]
    intake: tuple[IntakeRate, ...]
    end_to_end: tuple[EndToEnd, ...]
    database_ms: float

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @property
    def database_share(self) -> float | None:
        """How much of the CPU time of a message on one connection is the database's."""
        one = self.intake[0]
        if one.server_cpu is None or one.database_cpu is None:
            return None
        return one.database_cpu / (one.server_cpu + one.database_cpu)


def adt(number: int) -> bytes:
    """An ADT^A01 of about 650 bytes."""
    return (
        f"MSH|^~\\&|ADT1|GOOD HEALTH HOSPITAL^1.2.840.1^ISO|AIMED|AIMED|20260131081500+0100||"
        f"ADT^A01^ADT_A01|BENCH{number:08}|P|2.5.1|||||DEU|UNICODE UTF-8\r"
        "EVN|A01|20260131081500+0100||||20260131081400+0100\r"
        f"PID|1||{number % 997:07}^^^GHH&1.2.840.2&ISO^MR~{number % 997:09}^^^SSA^SS||"
        "EVERYMAN^ADAM^A^III||19610615|M||C|2222 HOME STREET^^GREENSBORO^NC^27401-1020||"
        f"(555)555-2004^PRN^PH||ENG|S||ACC{number:09}^^^GHH^AN\r"
        "NK1|1|NUCLEAR^NELDA^W|SPO^SPOUSE|2222 HOME STREET^^GREENSBORO^NC^27401-1020\r"
        "PV1|1|I|2000^2012^01^GHH||||004777^ATTEND^AARON^A^^^DR|||SUR||||ADM|A0||||"
        f"V{number:08}^^^GHH^VN|||||||||||||||||||||||||20260131080000+0100\r"
        "AL1|1|DA|^PENICILLIN|SV|PRODUCES HIVES\r"
        "DG1|1||I21.9^Acute myocardial infarction^I10||20260131|A\r"
    ).encode()


def parsing(seconds: float) -> float:
    """Messages a second: parsed, the header read, the patient found."""
    raw, count, started = adt(1), 0, time.process_time()
    while (spent := time.process_time() - started) < seconds:
        for _ in range(100):
            message = parse(raw)
            pid = message.first("PID")
            assert message.header.control_id
            assert pid is not None
            assert pid.text("3.1")
        count += 100
    return count / spent


def oru(number: int) -> bytes:
    """An ORU^R01 with 20 OBX."""
    head = (
        f"MSH|^~\\&|LAB1|GOOD HEALTH HOSPITAL^1.2.840.1^ISO|AIMED|AIMED|20260131091500+0100||"
        f"ORU^R01^ORU_R01|BENCH{number:08}|P|2.5.1|||||DEU|UNICODE UTF-8\r"
        f"PID|1||{number % 997:07}^^^GHH&1.2.840.2&ISO^MR||EVERYMAN^ADAM^A^III||19610615|M\r"
        f"OBR|1|P{number:08}|F{number:08}|24323-8^Comprehensive metabolic panel^LN|||"
        "20260131090000+0100|||||||||||||||20260131091400+0100|||F\r"
    )
    rows = (
        f"OBX|{at}|NM|{2000 + at}-{at % 10}^Analyte {at}^LN||{4 + at / 10:.1f}|mmol/L^mmol/L^UCUM|"
        "3.5-5.1|N|||F|||20260131090000+0100\r"
        for at in range(1, 21)
    )
    return (head + "".join(rows)).encode()


MESSAGES = {"ADT": adt, "ORU": oru}


def converting(kind: str, seconds: float) -> float:
    """Messages a second: parsed and converted to drafts as `aimed mllp` does, nothing written."""
    tables, site, at = default_tables(), SiteMapping(), datetime(2026, 1, 31, tzinfo=UTC)
    messages = [MESSAGES[kind](number) for number in range(20)]
    with seldom_collected():
        count, started = 0, time.process_time()
        while (spent := time.process_time() - started) < seconds:
            for one in messages:
                made = convert(parse(one), tables, site, at=at)
                assert made.drafts
            count += len(messages)
    return count / spent


async def end_to_end(
    kind: str,
    address: tuple[str, int],
    store: MessageStore,
    count: int,
    first: int,
    *,
    server: ApiCpu,
    database: ApiCpu,
) -> EndToEnd:
    """Send on four connections and wait until all is converted."""
    before = server.seconds(), database.seconds()
    since = datetime.now(UTC)
    started = time.perf_counter()
    each = count // _SENDERS
    starts = [first + at * each for at in range(_SENDERS)]
    await asyncio.gather(*(_send(address, kind, at, each) for at in starts))
    while await store.oldest_waiting() is not None:  # noqa: ASYNC110  another process works
        await asyncio.sleep(_POLL_SECONDS)
    spent, sent = time.perf_counter() - started, each * _SENDERS
    used = server.seconds(), database.seconds()
    failed, made = await _came_of(store, since)
    return EndToEnd(
        kind,
        sent,
        sent / spent,
        failed,
        made / sent,
        _each(before[0], used[0], sent),
        _each(before[1], used[1], sent),
    )


async def _came_of(store: MessageStore, since: datetime) -> tuple[int, int]:
    """How many messages failed, and how many resources the messages have."""
    failed = made = 0
    after: str | None = None
    while True:
        page = await search(store.database, MessageQuery(since=since), limit=1000, after=after)
        failed += sum(one.state == "failed" for one in page.messages)
        made += sum(len(one.resources) for one in page.messages)
        if (after := page.next) is None:
            return failed, made


async def _send(address: tuple[str, int], kind: str, first: int, count: int) -> None:
    reader, writer = await asyncio.open_connection(*address)
    for number in range(first, first + count):
        writer.write(framed(MESSAGES[kind](number)))
        await reader.readuntil(b"\x1c\r")
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def server(
    environment: Mapping[str, str], *, receive_only: bool
) -> AsyncIterator[tuple[tuple[str, int], int]]:
    """An `aimed mllp` of its own: its address and its process id."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aimed", "mllp", *(["--receive-only"] if receive_only else []),
        stdout=asyncio.subprocess.PIPE, env=dict(environment),
    )  # fmt: skip
    try:
        assert child.stdout is not None
        async with asyncio.timeout(_READY_SECONDS):
            line = (await child.stdout.readline()).decode().split()
        host, _, port = line[1].rpartition(":")
        yield (host, int(port)), child.pid
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def intake(
    address: tuple[str, int],
    connections: int,
    seconds: float,
    first: int,
    *,
    converting: bool,
    server: ApiCpu,
    database: ApiCpu,
) -> IntakeRate:
    """Send for some seconds; messages are numbered from `first` on."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    started = loop.time()
    before = server.seconds(), database.seconds()
    clients = [_client(address, end, first + at * 10_000_000) for at in range(connections)]
    results = await asyncio.gather(*clients)
    spent = loop.time() - started
    times = sorted(one for times, _ in results for one in times)
    return IntakeRate(
        connections,
        converting,
        len(times),
        len(times) / spent,
        statistics.median(times) * 1000,
        times[int(len(times) * 0.99)] * 1000,
        sum(refused for _, refused in results),
        _each(before[0], server.seconds(), len(times)),
        _each(before[1], database.seconds(), len(times)),
    )


def _each(before: float | None, after: float | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) / count * 1000


async def _client(address: tuple[str, int], end: float, first: int) -> tuple[list[float], int]:
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(*address)
    times: list[float] = []
    refused, number = 0, first
    while (now := loop.time()) < end:
        writer.write(framed(adt(number)))
        answer = await reader.readuntil(b"\x1c\r")
        times.append(loop.time() - now)
        refused += b"MSA|AA|" not in answer
        number += 1
    writer.close()
    await writer.wait_closed()
    return times, refused


async def database_alone(database: Database, count: int) -> float:
    """Milliseconds of one insert through the store, one after another."""
    store, times = MessageStore(database), []
    for number in range(count):
        raw = adt(900_000_000 + number)
        id = message_id("bench", "a", "b", str(number), raw)
        now = time.perf_counter()
        await store.add(
            NewMessage(
                id=id, order=f"zz{number:08}", state="ignored", listener="bench", peer="bench",
                received=datetime.now(UTC), raw=raw, control=str(number), type="ADT",
                trigger="A01", app="a", facility="b", patients=(str(number),), ack=b"x" * 120,
            )
        )  # fmt: skip
        times.append(time.perf_counter() - now)
    return statistics.median(times) * 1000
