"""The spool: durable before acknowledged, read back by position, continued after a restart."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database
from pipelines.store import AudioSpool, FrameGap, prepare

BACKLOG = 1 << 20


@pytest.fixture
async def spool(database: Database) -> AudioSpool:
    await prepare(database)
    return AudioSpool(database)


@pytest.fixture
def encounter() -> str:
    return str(uuid.uuid4())


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def frame(number: int, size: int = 320) -> bytes:
    return bytes([number % 251]) * size


async def test_what_is_durable_is_read_back_in_order(spool: AudioSpool, encounter: str) -> None:
    writer = await spool.writer(encounter, backlog=BACKLOG)
    for number in range(20):
        await writer.append(number, frame(number))
    await writer.close()
    assert writer.durable == 20
    assert await spool.next_frame(encounter) == 20
    everything = b"".join(frame(number) for number in range(20))
    assert await joined(spool.read(encounter)) == everything
    for start in (0, 1, 319, 320, 333, len(everything) - 1, len(everything)):
        assert await joined(spool.read(encounter, start)) == everything[start:]


async def test_waiting_frames_share_one_document(
    spool: AudioSpool, encounter: str, database: Database
) -> None:
    writer = await spool.writer(encounter, backlog=BACKLOG)
    for number in range(200):
        await writer.append(number, frame(number))
    await writer.close()
    assert await database["audio_chunks"].count_documents({"encounter": encounter}) < 50


async def test_a_repeated_frame_is_dropped_and_a_gap_refused(
    spool: AudioSpool, encounter: str
) -> None:
    writer = await spool.writer(encounter, backlog=BACKLOG)
    await writer.append(0, frame(0))
    await writer.append(0, frame(9))
    with pytest.raises(FrameGap) as gap:
        await writer.append(2, frame(2))
    assert gap.value.next == 1
    await writer.close()
    assert await joined(spool.read(encounter)) == frame(0)


async def test_a_new_writer_continues_after_the_last_durable_frame(
    spool: AudioSpool, encounter: str
) -> None:
    first = await spool.writer(encounter, backlog=BACKLOG)
    for number in range(5):
        await first.append(number, frame(number))
    durable = await first.wait_durable(0)
    while durable < 5:
        durable = await first.wait_durable(durable)
    await first.aclose()
    second = await spool.writer(encounter, backlog=BACKLOG)
    assert second.next_frame == 5
    assert second.length == 5 * 320
    await second.append(5, frame(5))
    await second.close()
    assert len(await joined(spool.read(encounter))) == 6 * 320


async def test_a_follower_gets_old_and_new_audio_and_ends(
    spool: AudioSpool, encounter: str
) -> None:
    before = await spool.writer(encounter, backlog=BACKLOG)
    await before.append(0, frame(0))
    await before.close()
    writer = await spool.writer(encounter, backlog=BACKLOG)
    following = asyncio.create_task(joined(writer.follow(100)))
    for number in range(1, 30):
        await writer.append(number, frame(number))
        await asyncio.sleep(0)
    await writer.close()
    everything = b"".join(frame(number) for number in range(30))
    assert await following == everything[100:]


async def test_two_writers_of_one_encounter_cannot_both_win(
    spool: AudioSpool, encounter: str
) -> None:
    one = await spool.writer(encounter, backlog=BACKLOG)
    two = await spool.writer(encounter, backlog=BACKLOG)
    await one.append(0, frame(1))
    await one.close()
    await two.append(0, frame(2))
    with pytest.raises(VersionConflict):
        await two.wait_durable(0)
    assert two.failed
    with pytest.raises(VersionConflict):
        await two.append(1, frame(3))
    assert await joined(spool.read(encounter)) == frame(1)


async def test_a_full_backlog_slows_the_microphone_down(spool: AudioSpool, encounter: str) -> None:
    writer = await spool.writer(encounter, backlog=1000)
    for number in range(50):
        await writer.append(number, frame(number, 800))
        assert writer.next_frame - writer.durable <= 3
    await writer.close()
    assert len(await joined(spool.read(encounter))) == 50 * 800


async def test_after_the_end_nothing_is_taken(spool: AudioSpool, encounter: str) -> None:
    writer = await spool.writer(encounter, backlog=BACKLOG)
    await writer.close()
    with pytest.raises(VersionConflict):
        await writer.append(0, frame(0))
    assert await joined(writer.follow()) == b""
