"""The MLLP server on a real socket and a real database."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from blockbuster import BlockBuster

from fhir_server.store.connection import Database
from integrations.hl7v2.store import MessageQuery, search
from tests.integrations.hl7v2.running import Running, codes, message, peer, running, until


async def test_received_converted_and_answered(hl7: Running, no_blocking: BlockBuster) -> None:
    async with peer(hl7.port) as one:
        answer = await one.ask(message("C1", patient="4711"))
        assert codes(answer) == ("AA", "C1")
        assert answer.header.receiving_application.namespace == "APP"
        assert codes(await one.ask(message("C2"))) == ("AA", "C2")
    await until(lambda: _in_state(hl7, "converted", 2))
    (found,) = (await search(hl7.store.database, MessageQuery(control="C1"))).messages
    assert (found.patients, found.peer, found.resources) == (
        ("4711",),
        "127.0.0.1",
        ("Patient/C1",),
    )
    assert (await hl7.store.read(found.id)).raw == message("C1")
    assert hl7.registry.order == ["C1", "C2"]


async def _in_state(hl7: Running, state: str, count: int) -> bool:
    return (await hl7.store.counts()).get(state, 0) == count


async def test_many_in_one_packet_are_answered_in_order(hl7: Running) -> None:
    async with peer(hl7.port) as one:
        await one.write(b"".join(b"\x0b" + message(n) + b"\x1c\r" for n in range(50)))
        answers = [codes(await one.answer())[1] for _ in range(50)]
        assert answers == [str(n) for n in range(50)]
    await until(lambda: _in_state(hl7, "converted", 50))
    assert hl7.registry.order == [str(n) for n in range(50)]


async def test_one_byte_a_packet(hl7: Running) -> None:
    async with peer(hl7.port) as one:
        for byte in b"\x0b" + message("C1") + b"\x1c\r":
            await one.write(bytes([byte]))
        assert codes(await one.answer()) == ("AA", "C1")


@pytest.mark.parametrize(
    "stream",
    [
        b"\x00\r\n\x0b" + message("C1") + b"\x1c\r",
        b"noise\x0b" + message("C1") + b"\x1c\r",
        b"\x0bMSH|^~\\&|half\x0b" + message("C1") + b"\x1c\r",
        b"\x0b" + message("C1") + b"\x1c",
        b"\x0b" + message("C1", body="NTE|1||a\x1cb\r") + b"\x1c\r",
    ],
)
async def test_odd_framing(hl7: Running, stream: bytes) -> None:
    async with peer(hl7.port) as one:
        await one.write(stream)
        assert codes(await one.answer()) == ("AA", "C1")
        assert codes(await one.ask(message("C2"))) == ("AA", "C2")


async def test_a_megabyte(hl7: Running) -> None:
    async with peer(hl7.port) as one:
        body = "OBX|1|ED|||" + "QUJD" * 262_144 + "\r"
        assert codes(await one.ask(message("C1", body=body))) == ("AA", "C1")


async def test_a_resend_gets_the_same_answer_and_has_no_effect(hl7: Running) -> None:
    async with peer(hl7.port) as one, peer(hl7.port) as two:
        first = await one.ask(message("C1"))
        assert (await two.ask(message("C1"))).raw == first.raw
        other = await one.ask(message("C1", patient="999"))
        assert codes(other) == ("AA", "C1")
    await until(lambda: _in_state(hl7, "converted", 2))
    assert hl7.registry.order == ["C1", "C1"]
    (found,) = (await search(hl7.store.database, MessageQuery(patient="999"))).messages
    assert "used this control id" in found.warnings[0]


async def test_what_cannot_be_read_is_refused_and_kept(hl7: Running) -> None:
    async with peer(hl7.port) as one:
        answer = await one.ask(b"HELLO|MSH|^~\\&|A|B|||2024||ADT^A01|C9|P|2.5\rPID|1")
        assert codes(answer) == ("AR", "C9")
        assert answer.all("ERR")[0].text("3.1") == "100"
        answer = await one.ask(b"MSH|^~\\&|A|B|||2024|||C10|P|2.5\r")
        assert codes(answer) == ("AR", "C10")
        assert answer.all("ERR")[0].text("2") == "MSH^1^9"
    failed = (await search(hl7.store.database, MessageQuery(states=("failed",)))).messages
    assert [one.error_code for one in failed] == ["101", "100"]


async def test_too_large_is_refused_with_the_right_id(database: Database) -> None:
    async with running(database, {"limits": {"message_bytes": 2048}}) as hl7:
        async with peer(hl7.port) as one:
            answer = await one.ask(message("C1", body="NTE|1||" + "x" * 5000 + "\r"))
            assert codes(answer) == ("AR", "C1")
            assert answer.all("ERR")[0].text("3.1") == "104"
            assert codes(await one.ask(message("C2"))) == ("AA", "C2")
            await one.write(b"\x0b" + message("C3", body="NTE|1||" + "x" * 20_000))
            assert codes(await one.answer()) == ("AR", "C3")
            assert await one.closed()
        assert await hl7.store.counts() in ({"received": 1}, {"converted": 1}, {"converting": 1})


async def test_slow_and_idle_peers_are_let_go(database: Database) -> None:
    limits = {"idle_seconds": 0.3, "message_seconds": 0.3}
    async with running(database, {"limits": limits}) as hl7:
        async with peer(hl7.port) as idle, peer(hl7.port) as slow:
            started = asyncio.get_running_loop().time()
            dripping = asyncio.create_task(_drip(slow))
            assert await idle.closed()
            assert await slow.closed()
            dripping.cancel()
            assert asyncio.get_running_loop().time() - started < 30
        await until(lambda: _connections(hl7, 0))


async def _drip(slow: object) -> None:
    for byte in b"\x0b" + message("C1") * 100:
        await slow.write(bytes([byte]))  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)


async def _connections(hl7: Running, count: int) -> bool:
    return hl7.server.connections == count


async def test_connections_are_capped(database: Database) -> None:
    async with running(database, {"limits": {"connections": 3, "per_peer": 2}}) as hl7:
        async with peer(hl7.port) as one, peer(hl7.port) as two:
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
            assert codes(await two.ask(message("C2"))) == ("AA", "C2")
            async with peer(hl7.port) as three:
                assert await three.closed()
        await until(lambda: _connections(hl7, 0))
        async with peer(hl7.port) as again:
            assert codes(await again.ask(message("C3"))) == ("AA", "C3")


async def test_only_listed_peers_connect(database: Database) -> None:
    listeners = [
        {"name": "theirs", "peers": ["10.0.0.0/8"]},
        {"name": "ours", "peers": ["10.0.0.0/8", "127.0.0.0/8"]},
    ]
    async with running(database, {"listeners": listeners}) as hl7:
        (_, _, theirs), (_, _, ours) = hl7.server.addresses
        async with peer(theirs) as one:
            assert await one.closed()
        async with peer(ours) as one:
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
        (found,) = (await search(database, MessageQuery(listener="ours"))).messages
        assert found.control == "C1"


async def test_listeners_keep_their_messages_apart_and_have_rules_of_their_own(
    database: Database,
) -> None:
    listeners = [{"name": "lenient"}, {"name": "strict", "strict": True}]
    async with running(database, {"listeners": listeners}) as hl7:
        (_, _, lenient), (_, _, strict) = hl7.server.addresses
        odd = message("C1").replace(b"2.5.1", b"9.9")
        async with peer(lenient) as one, peer(strict) as two:
            assert codes(await one.ask(odd)) == ("AA", "C1")
            answer = await two.ask(odd)
            assert codes(answer) == ("AR", "C1")
            assert answer.all("ERR")[0].text("3.1") == "203"


async def test_a_reset_in_the_middle_harms_nobody(hl7: Running) -> None:
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", hl7.port)
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.write(b"\x0b" + message("C1")[:40])
        await writer.drain()
        writer.transport.abort()
    async with peer(hl7.port) as one:
        assert codes(await one.ask(message("C2"))) == ("AA", "C2")


async def test_stopping_answers_what_has_come(database: Database) -> None:
    async with running(database, {"limits": {"drain_seconds": 60}}) as hl7:
        port = hl7.port
        async with peer(port) as busy, peer(port) as idle, peer(port) as half:
            await half.write(b"\x0b" + message("C2")[:30])
            assert codes(await idle.ask(message("C0"))) == ("AA", "C0")
            await busy.write(b"".join(b"\x0b" + message(f"B{n}") + b"\x1c\r" for n in range(20)))
            await until(lambda: _some(hl7, 2))
            stopping = asyncio.create_task(hl7.server.stop())
            await half.write(message("C2")[30:] + b"\x1c\r")
            assert [codes(await busy.answer())[1] for _ in range(20)] == [
                f"B{n}" for n in range(20)
            ]
            assert codes(await half.answer()) == ("AA", "C2")
            assert await idle.closed()
            assert await busy.closed()
            await stopping
            with pytest.raises(OSError):  # noqa: PT011  which one depends on the system
                await asyncio.open_connection("127.0.0.1", hl7.port)


async def _some(hl7: Running, count: int) -> bool:
    return sum((await hl7.store.counts()).values()) >= count


AUTHORITY = trustme.CA()


def tls_files(folder: Path, *, mutual: bool) -> dict[str, str]:
    files = {name: folder / f"{name}.pem" for name in ("ca", "certificate", "key")}
    made = AUTHORITY.issue_cert("127.0.0.1")
    AUTHORITY.cert_pem.write_to_path(files["ca"])
    made.private_key_pem.write_to_path(files["key"])
    made.cert_chain_pems[0].write_to_path(files["certificate"])
    settings = {"certificate": str(files["certificate"]), "key": str(files["key"])}
    return {**settings, "client_ca": str(files["ca"])} if mutual else settings


def _client(authority: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if authority is not None:
        authority.issue_cert("client.example").configure_cert(context)
    return context


async def test_tls(database: Database, tmp_path: Path) -> None:
    listeners = [{"tls": tls_files(tmp_path, mutual=False)}]
    async with running(database, {"listeners": listeners}) as hl7:
        async with peer(hl7.port, ssl=_client()) as one:
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
        async with peer(hl7.port) as plain:
            await plain.send(message("C2"))
            assert await plain.closed()
    assert (await search(database, MessageQuery(control="C2"))).messages == ()


async def test_mutual_tls(database: Database, tmp_path: Path) -> None:
    listeners = [{"tls": tls_files(tmp_path, mutual=True)}]
    async with running(database, {"listeners": listeners}) as hl7:
        async with peer(hl7.port, ssl=_client(AUTHORITY)) as one:
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
        for stranger in (_client(), _client(trustme.CA())):
            with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
                async with peer(hl7.port, ssl=stranger) as one:
                    await one.ask(message("C2"))
