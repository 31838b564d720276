"""A microphone over the real socket: durable acknowledgements, resumption, and hostile clients."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.pipelines.consultation.clinic import Line, eventually
from tests.smart_app.conftest import Desk, close_code, receive

HELLO = {"type": "start", "encoding": "pcm_s16le", "sample_rate": 16000, "channels": 1}
HELLO_TEXT = json.dumps({**HELLO, "roles": ["patient"]})
TENTH = bytes(3200)


def frame(number: int, pcm: bytes = TENTH) -> bytes:
    return struct.pack(">I", number) + pcm


async def ready(socket: ClientConnection) -> int:
    await socket.send(HELLO_TEXT)
    message = await receive(socket)
    assert message["type"] == "ready"
    return int(message["next"])


async def acknowledged(socket: ClientConnection, up_to: int) -> None:
    while (message := await receive(socket)) != {"type": "ack", "next": up_to}:
        assert message["type"] == "ack"


async def test_a_recording_from_start_to_stop(desk: Desk) -> None:
    desk.script.lines = [Line(0, 0.1, 0.9, "I have a cough.")]
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}/audio") as socket:
        assert await ready(socket) == 0
        for number in range(10):
            await socket.send(frame(number))
        await socket.send('{"type":"stop"}')
        messages: list[dict[str, Any]] = []
        while not messages or messages[-1]["type"] != "stopped":
            messages.append(await receive(socket))
        assert messages[-2] == {"type": "ack", "next": 10}
        assert await close_code(socket) == 1000
    status = (await desk.http.get(f"/api/encounters/{encounter}")).json()["status"]
    assert status == "stopping"
    length = [len(pcm) async for pcm in desk.consultations._services.spool.read(encounter)]
    assert sum(length) == 32000


async def test_what_was_acknowledged_survives_the_connection(desk: Desk) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}/audio"
    async with desk.socket(path) as socket:
        await ready(socket)
        for number in range(5):
            await socket.send(frame(number))
        await acknowledged(socket, 5)
    async with desk.socket(path) as socket:
        assert await ready(socket) == 5
        await socket.send(frame(3))
        assert await receive(socket) == {"type": "ack", "next": 5}
        await socket.send(frame(5))
        await acknowledged(socket, 6)


async def test_a_gap_is_named_and_can_be_filled(desk: Desk) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}/audio") as socket:
        await ready(socket)
        await socket.send(frame(7))
        assert await receive(socket) == {"type": "error", "code": "frame-gap", "next": 0}
        await socket.send(frame(0))
        await acknowledged(socket, 1)


async def test_the_newer_microphone_wins(desk: Desk) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}/audio"
    async with desk.socket(path) as old, desk.socket(path) as new:
        await ready(old)
        await ready(new)
        assert await close_code(old) == 4409
        await new.send(frame(0))
        await acknowledged(new, 1)


async def test_stopping_over_rest_says_goodbye_to_the_microphone(desk: Desk) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}/audio") as socket:
        await ready(socket)
        answer = await desk.http.post(f"/api/encounters/{encounter}/stop")
        assert answer.status_code == 202
        while (await receive(socket))["type"] != "stopped":
            pass
        assert await close_code(socket) == 1000
    async with desk.socket(f"/ws/encounters/{encounter}/audio") as late:
        await late.send(HELLO_TEXT)
        assert await close_code(late) == 4409


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        ("{", None, 4400),
        ("null", None, 4400),
        ("\x00" * 10, None, 4400),
        (json.dumps({**HELLO, "sample_rate": 44100}), None, 4400),
        ('{"type":"stop"}', None, 4400),
        (frame(0), None, 4400),
        (HELLO_TEXT, HELLO_TEXT, 4400),
        (HELLO_TEXT, "garbage", 4400),
        (HELLO_TEXT, b"", 4400),
        (HELLO_TEXT, b"\x00\x00\x00\x00", 4400),
        (HELLO_TEXT, frame(0, b"odd"), 4400),
        (HELLO_TEXT, frame(0, bytes(65_538)), 4413),
        (HELLO_TEXT, frame(0, bytes(2_000_000)), 4413),
    ],
)
async def test_a_hostile_microphone_gets_a_code_and_the_server_lives(
    desk: Desk, first: str | bytes, then: str | bytes | None, code: int
) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}/audio"
    async with desk.socket(path) as socket:
        await socket.send(first)
        if then is not None:
            await socket.send(then)
        assert await close_code(socket) == code
        assert socket.close_reason
    async with desk.socket(path) as socket:
        assert await ready(socket) == 0


async def test_refused_sockets_say_why(desk: Desk) -> None:
    encounter = await desk.begin()
    reader = await desk.token_for("user/*.rs")
    expired = await desk.token_for("user/Encounter.cruds", seconds=-1)
    path = f"/ws/encounters/{encounter}/audio"
    async with desk.bare(path) as socket:
        assert await close_code(socket) == 4401
    async with desk.socket(path, token="made-up") as socket:
        assert await close_code(socket) == 4401
    async with desk.socket(path, token=expired) as socket:
        assert await close_code(socket) == 4401
    async with desk.socket(path, token=reader) as socket:
        assert await close_code(socket) == 4403
    async with desk.socket("/ws/encounters/unknown/audio") as socket:
        assert await close_code(socket) == 4404


async def test_a_token_that_ends_ends_the_recording_but_not_the_consultation(desk: Desk) -> None:
    encounter = await desk.begin()
    short = await desk.token_for("user/Encounter.u")
    path = f"/ws/encounters/{encounter}/audio"
    async with desk.socket(path, token=short) as socket:
        await ready(socket)
        await socket.send(frame(0))
        await acknowledged(socket, 1)
        await desk.end_token("user/Encounter.u", 0)
        assert await close_code(socket) == 4401
    async with desk.socket(path) as socket:
        assert await ready(socket) == 1


async def test_twenty_hostile_clients_do_not_disturb_a_recording(desk: Desk) -> None:
    desk.script.lines = [Line(0, 0.5, 1.5, "I have a cough.")]
    encounter, other = await desk.begin(), await desk.begin()

    async def attack(number: int) -> None:
        async with desk.socket(f"/ws/encounters/{other}/audio") as socket:
            await socket.send("{" * number if number % 2 else frame(number))
            await close_code(socket)

    async with desk.socket(f"/ws/encounters/{encounter}/audio") as socket:
        await ready(socket)
        attacks = [asyncio.create_task(attack(number)) for number in range(20)]
        for number in range(20):
            await socket.send(frame(number))
        await acknowledged(socket, 20)
        await asyncio.gather(*attacks)

        async def heard() -> bool:
            return (await desk.consultations.find(encounter)).segments == 1

        await eventually(heard)
