"""Engines fail in the middle of a consultation: no word comes twice, and none is missing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from pipelines.consultation.consultations import Consultations
from pipelines.consultation.events import FINAL
from pipelines.ports import AudioFormat, Event, Role
from tests.pipelines.consultation.clinic import Clinic, eventually
from tests.pipelines.consultation.conftest import clinic  # noqa: F401 - a fixture
from tests.pipelines.engines.ears import Ear, Spoken, conversation, sound

SECONDS = 12.0
ROLES = (Role.DOCTOR, Role.PATIENT)
SEAM = 0.15
"""Seconds that the clocks of two engines may differ by, with what a cut word hides."""


async def play(
    clinic: Clinic,  # noqa: F811
    process: Consultations,
    words: list[Spoken],
    channels: int,
) -> str:
    audio = AudioFormat(channels, ROLES[:channels])
    encounter = await clinic.begin(process, audio)
    microphone = await process.microphone(encounter, audio)
    pcm, step = sound(words, SECONDS, channels), audio.bytes_per_second // 2
    for number, at in enumerate(range(0, len(pcm), step)):
        await microphone.append(number, pcm[at : at + step])
        while microphone.durable <= number:
            await microphone.wait_durable(microphone.durable)
    await process.stop(encounter)
    await drained(process, encounter)
    return encounter


async def drained(process: Consultations, encounter: str) -> None:
    async def done() -> bool:
        return (await process.find(encounter)).drained

    await eventually(done)


async def heard(process: Consultations, encounter: str, count: int) -> None:
    async def enough() -> bool:
        return (await process.find(encounter)).segments >= count

    await eventually(enough)


async def up_to(process: Consultations, encounter: str) -> AsyncIterator[Event]:
    """Every event that is on the bus now."""
    last = await process.bus.last(encounter)
    async for event in process.bus.follow(encounter):
        yield event
        if event.seq >= last:
            return


@pytest.mark.parametrize("seed", range(12))
async def test_wherever_they_fail_every_word_is_there_once(clinic: Clinic, seed: int) -> None:  # noqa: F811
    rolls = random.Random(seed)
    channels = rolls.choice([1, 2])
    words = conversation(seed, SECONDS, channels)
    ears = [
        Ear(
            f"ear {number}",
            words,
            skew=rolls.uniform(-0.05, 0.05),
            words=rolls.random() < 0.5,
            seed=seed + number,
            lives=[rolls.randint(0, 4) for _ in range(rolls.randint(1, 4))],
        )
        for number in (1, 2)
    ]
    process = clinic.process(transcriber=ears)
    encounter = await play(clinic, process, words, channels)
    segments = (await process.snapshot(encounter))["segments"]
    for channel in range(channels):
        said = [f"w{word.value}" for word in words if word.channel == channel]
        heard = " ".join(one["text"] for one in segments if one["channel"] == channel).split()
        assert heard == said
    assert {one["engine"] for one in segments} <= {"ear 1", "ear 2"}
    assert len(ears[0].opened) + len(ears[1].opened) > 1


@pytest.mark.parametrize("seed", range(30))
async def test_cut_in_the_middle_of_an_utterance_nothing_is_twice_or_missing(
    clinic: Clinic,  # noqa: F811
    seed: int,
) -> None:
    rolls = random.Random(1000 + seed)
    channels = rolls.choice([1, 2])
    words = conversation(100 + seed, SECONDS, channels)
    broken = rolls.choice(words)
    dies = rolls.uniform(broken.start, broken.end)
    first = Ear("first", words, skew=rolls.uniform(-0.05, 0.05), dies=dies, seed=seed)
    second = Ear(
        "second",
        words,
        skew=rolls.uniform(-0.05, 0.05),
        words=rolls.random() < 0.5,
        seed=seed,
    )
    process = clinic.process(transcriber=[first, second])
    encounter = await play(clinic, process, words, channels)
    segments = (await process.snapshot(encounter))["segments"]
    assert len({one["id"] for one in segments}) == len(segments)
    for channel in range(channels):
        said = [word for word in words if word.channel == channel]
        heard = [one for one in segments if one["channel"] == channel]
        assert " ".join(one["text"] for one in heard).split() == [f"w{one.value}" for one in said]
        for one, after in pairwise(heard):
            assert one["end"] <= after["start"] + SEAM
        for word in said:
            covering = [one for one in heard if one["start"] - SEAM <= word.start < one["end"]]
            assert len(covering) >= 1, word
    assert {one["engine"] for one in segments} <= {"first", "second"}
    assert first.opened[0] == 0.0
    assert second.opened
    seqs = [event.seq async for event in up_to(process, encounter)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    shown = [data["id"] for type, data in await clinic.events(encounter) if type == FINAL]
    assert len(set(shown)) == len(shown) == len(segments)


async def test_what_a_dead_engine_was_saying_vanishes(clinic: Clinic) -> None:  # noqa: F811
    words = [Spoken(0, 1, 0.5, 0.9), Spoken(0, 2, 2.0, 8.0)]
    first = Ear("first", words, lives=[1])
    second = Ear("second", words)
    process = clinic.process(transcriber=[first, second])
    encounter = await play(clinic, process, words, 1)
    shown = [
        event
        async for event in up_to(process, encounter)
        if event.type in ("transcript.partial", "engine.changed")
    ]
    texts = [event.data.get("text") for event in shown]
    assert "w2" in texts
    assert "" in texts[texts.index("w2") :]


async def test_the_preferred_engine_takes_over_again_when_it_answers(clinic: Clinic) -> None:  # noqa: F811
    words = conversation(7, SECONDS, 1)
    first, second = Ear("first", words, down=True), Ear("second", words, delay=0.03)
    process = clinic.process(transcriber=[first, second])
    transcriber = process._services.transcriber
    watching = asyncio.create_task(transcriber.watch(every=0.02))
    audio = AudioFormat(1, (Role.DOCTOR,))
    encounter = await clinic.begin(process, audio)
    microphone = await process.microphone(encounter, audio)
    pcm, step = sound(words, SECONDS, 1), audio.bytes_per_second // 2
    for number, at in enumerate(range(0, len(pcm), step)):
        if at == len(pcm) // 3 // step * step:
            await heard(process, encounter, 1)
            first.down = False
            async with asyncio.timeout(60):
                while transcriber.order.engines[0].circuit.state != "closed":  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await microphone.append(number, pcm[at : at + step])
        while microphone.durable <= number:
            await microphone.wait_durable(microphone.durable)
    await process.stop(encounter)
    await drained(process, encounter)
    watching.cancel()
    segments = (await process.snapshot(encounter))["segments"]
    said = " ".join(one["text"] for one in segments).split()
    assert said == [f"w{word.value}" for word in words]
    engines = [one["engine"] for one in segments]
    assert engines[0] == "second"
    assert engines[-1] == "first"
    assert engines == sorted(engines, reverse=True)
