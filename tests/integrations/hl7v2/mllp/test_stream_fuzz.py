"""Streams cut, merged and damaged at random: what is acknowledged is stored, byte for byte."""

from __future__ import annotations

import asyncio
import random

import pytest

from integrations.hl7v2.mllp import Deframer, Frame
from integrations.hl7v2.store import MessageQuery, search
from tests.integrations.hl7v2.running import Peer, Running, codes, message, peer


def _stream(chance: random.Random, seed: int) -> bytes:
    """Twelve frames, some of them damaged, with noise between them."""
    made = bytearray()
    for number in range(12):
        frame = bytearray(b"\x0b" + message(f"F{seed}-{number}") + b"\x1c\r")
        for _ in range(chance.choice((0, 0, 1, 3))):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        if chance.random() < 0.2:
            del frame[chance.randrange(len(frame)) :]
        made += frame + chance.choice((b"", b"\r\n", b"\x00", b"noise", b"\x0b", b"\x1c\r"))
    return bytes(made)


async def _pour(one: Peer, chance: random.Random, stream: bytes) -> None:
    at = 0
    while at < len(stream):
        cut = at + chance.randrange(1, 400)
        await one.write(stream[at:cut])
        at = cut
    one.writer.write_eof()


async def _answers(one: Peer) -> list[tuple[str, str]]:
    found = []
    try:
        while True:
            found.append(codes(await one.answer()))
    except EOFError:
        return found


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_acknowledged_that_is_not_stored(hl7: Running, seed: int) -> None:
    chance = random.Random(seed)
    stream = _stream(chance, seed)
    async with peer(hl7.port) as one:
        pouring = asyncio.create_task(_pour(one, chance, stream))
        answers = await _answers(one)
        await pouring
    whole = [f.payload for f in Deframer(1 << 20).feed(stream) if isinstance(f, Frame)]
    # A last FS without CR ends a frame only when the stream pauses, which it does at its end.
    assert len(answers) in (len(whole), len(whole) + 1)
    for code, control in answers:
        assert code in ("AA", "AR", "CA", "CR")
        if code == "AA":
            page = await search(hl7.store.database, MessageQuery(control=control))
            assert page.messages
            for found in page.messages:
                assert (await hl7.store.read(found.id)).raw in whole
    async with peer(hl7.port) as good:
        assert codes(await good.ask(message("last"))) == ("AA", "last")
