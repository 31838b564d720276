"""One message and its own answer, whatever the other side does."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest

from integrations.hl7v2.mllp.client import (
    Answer,
    FramingByte,
    MllpClient,
    NotAnswered,
    NotConnected,
    Peer,
)
from integrations.hl7v2.outbound.peers import peer_of
from tests.integrations.hl7v2.destinations import Scripted, scripted
from tests.integrations.hl7v2.outbound.chart import destination
from tests.reserved_port import reserved_port
from tests.tls import AUTHORITY, write_pem

pytestmark = pytest.mark.usefixtures("no_blocking")


def message(id: str) -> bytes:
    return f"MSH|^~\\&|AIMED||LAB||20260101||ADT^A08^ADT_A01|{id}|P|2.5.1\rPID|1\r".encode()


def client(server: Scripted, **changes: object) -> MllpClient:
    given = {"host": "127.0.0.1", "port": server.port, "ack_seconds": 60, **changes}
    return MllpClient(Peer(**given))  # type: ignore[arg-type]


async def test_a_kept_connection_carries_many_messages() -> None:
    async with scripted() as server:
        sending = client(server)
        answers = [await sending.exchange(message(f"m{n}"), f"m{n}") for n in range(5)]
        await sending.aclose()
    assert [one.code for one in answers] == ["AA"] * 5
    assert server.connections == 1


async def test_a_new_connection_for_each() -> None:
    async with scripted() as server:
        sending = client(server, kept=False)
        for n in range(3):
            await sending.exchange(message(f"m{n}"), f"m{n}")
    assert [number for number, _ in server.received] == [1, 2, 3]


@pytest.mark.parametrize("code", ["AA", "AE", "AR", "CA", "CE", "CR"])
async def test_every_code_is_an_answer(code: str) -> None:
    async with scripted(code) as server:
        sending = client(server)
        answer = await sending.exchange(message("m1"), "m1")
        await sending.aclose()
    assert answer.code == code
    assert answer.error == ("204" if code == "AE" else "")


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("silent", "timeout"),
        ("half", "timeout"),
        ("late", "timeout"),
        ("close", "closed"),
        ("garbage", "no-message"),
        ("wrong", "other-message"),
    ],
)
async def test_after_anything_else_the_connection_is_a_new_one(does: str, reason: str) -> None:
    async with scripted(does) as server:
        unhurried = client(server)._peer
        sending = client(server, **({"ack_seconds": 0.3} if reason == "timeout" else {}))
        with pytest.raises(NotAnswered) as fault:
            await sending.exchange(message("m1"), "m1")
        assert fault.value.reason == reason
        sending._peer = unhurried  # what comes now is no question of time
        server.release.set()  # the late answer goes out now, to nobody
        assert (await sending.exchange(message("m1"), "m1")).code == "AA"
        await sending.aclose()
    assert [number for number, _ in server.received] == [1, 2]


async def test_an_answer_that_comes_twice_is_not_taken_for_the_next() -> None:
    async with scripted("twice", "AR") as server:
        sending = client(server)
        assert (await sending.exchange(message("m1"), "m1")).code == "AA"
        await asyncio.sleep(0.05)  # until the second one is here
        assert (await sending.exchange(message("m2"), "m2")).code == "AR"
        await sending.aclose()
    assert server.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    async with scripted() as server:
        sending = client(server)
        await sending.exchange(message("m1"), "m1")
        sending_again = await _closed_by_server(server, sending)
        assert sending_again.code == "AA"
        await sending.aclose()


async def _closed_by_server(server: Scripted, sending: MllpClient) -> Answer:
    server.script = ["close"]
    with pytest.raises(NotAnswered):
        await sending.exchange(message("m2"), "m2")
    return await sending.exchange(message("m2"), "m2")


async def test_nobody_listens() -> None:
    with reserved_port() as port:
        sending = MllpClient(Peer("127.0.0.1", port, connect_seconds=60))
        with pytest.raises(NotConnected, match=r"^connection refused$"):
            await sending.exchange(message("m1"), "m1")
    nowhere = MllpClient(Peer("nowhere.invalid", port, connect_seconds=60))
    with pytest.raises(NotConnected, match=r"^host name unknown$"):
        await nowhere.exchange(message("m1"), "m1")


@pytest.mark.parametrize("byte", [b"\x0b", b"\x1c"])
async def test_framing_bytes_in_a_message_are_refused(byte: bytes) -> None:
    async with scripted() as server:
        sending = client(server)
        with pytest.raises(FramingByte):
            await sending.exchange(message("m1") + byte, "m1")
    assert server.received == []


async def test_the_wait_for_an_answer_is_as_long_as_set() -> None:
    async with scripted("silent") as server:
        began = time.monotonic()
        with pytest.raises(NotAnswered):
            await client(server, ack_seconds=0.2).exchange(message("m1"), "m1")
        assert 0.15 < time.monotonic() - began < 20


def server_context(*, mutual: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        AUTHORITY.configure_trust(context)
    return context


async def test_tls_and_mutual_tls(tmp_path: Path) -> None:
    files = write_pem(tmp_path)
    tls = {"on": True, "authorities": str(files["ca"])}
    own = {**tls, "certificate": str(files["certificate"]), "key": str(files["key"])}
    async with scripted(tls=server_context(mutual=True)) as server:
        with_own = destination(port=server.port, tls=own)
        sending = MllpClient(peer_of(with_own))
        assert (await sending.exchange(message("m1"), "m1")).code == "AA"
        await sending.aclose()
        without = MllpClient(peer_of(destination(port=server.port, tls=tls)))
        with pytest.raises((NotConnected, NotAnswered)):
            await without.exchange(message("m2"), "m2")
        unknown = MllpClient(peer_of(destination(port=server.port, tls={"on": True})))
        with pytest.raises(NotConnected, match="tls"):
            await unknown.exchange(message("m3"), "m3")
    assert server.ids == ["m1"]
