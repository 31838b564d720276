"""Clients that others wrote, on the wire: python-hl7's and hl7apy's."""

from __future__ import annotations

import asyncio
import socket

import hl7
import hl7.client
import hl7.mllp
from hl7apy.core import Message as Hl7apyMessage
from hl7apy.parser import parse_message

from integrations.hl7v2.store import MessageQuery, search
from tests.integrations.hl7v2.running import Running, message


async def test_python_hl7_blocking_client(receiving: Running) -> None:
    answers = await asyncio.to_thread(_send_with_python_hl7, receiving.port)
    assert [(one[0], one[1]) for one in answers] == [("AA", "C1"), ("AA", "C2"), ("AA", "C2")]


def _send_with_python_hl7(port: int) -> list[tuple[str, str]]:
    with hl7.client.MLLPClient("127.0.0.1", port) as client:
        raw = [client.send_message(message(one).decode()) for one in ("C1", "C2", "C2")]
    read = [hl7.parse(one.strip(b"\x0b\x1c\r").decode()) for one in raw]
    return [(str(one.segment("MSA")[1]), str(one.segment("MSA")[2])) for one in read]


async def test_python_hl7_asyncio_client(receiving: Running) -> None:
    reader, writer = await hl7.mllp.open_hl7_connection(
        "127.0.0.1", receiving.port, encoding="utf-8"
    )
    for control in ("C1", "C2"):
        writer.writemessage(hl7.parse(message(control).decode()))
        await writer.drain()
        async with asyncio.timeout(20):
            answer = await reader.readmessage()
        assert (str(answer.segment("MSA")[1]), str(answer.segment("MSA")[2])) == ("AA", control)
    writer.close()
    await writer.wait_closed()


async def test_hl7apy_builds_and_sends_one_message_a_connection(receiving: Running) -> None:
    for control in ("C1", "C2"):
        sent = _built_by_hl7apy(control)
        framed = await asyncio.to_thread(send_once, receiving.port, sent.to_mllp().encode())
        answer = parse_message(framed.strip(b"\x0b\x1c\r").decode(), find_groups=False)
        assert answer.msa.msa_1.value == "AA"
        assert answer.msa.msa_2.value == control
    found = (await search(receiving.store.database, MessageQuery(type="ADT"))).messages
    assert [one.patients for one in found] == [("4711",), ("4711",)]
    assert {one.structure for one in found} == {"ADT_A01"}


def _built_by_hl7apy(control: str) -> Hl7apyMessage:
    built = Hl7apyMessage("ADT_A01", version="2.5")
    built.msh.msh_3 = "HL7APY"
    built.msh.msh_9 = "ADT^A01^ADT_A01"
    built.msh.msh_10 = control
    built.msh.msh_11 = "P"
    built.pid.pid_3 = "4711^^^HOSP^MR"
    built.pid.pid_5 = "Doe^Jane"
    return built


def send_once(port: int, data: bytes) -> bytes:
    """As hl7apy's example client does: connect, send, read, close."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            answer += connection.recv(4096)
        return answer
