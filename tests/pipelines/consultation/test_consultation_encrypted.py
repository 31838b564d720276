"""A whole consultation on an encrypted database: nothing that was said can be read from it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from fhir_server.clock import system_clock
from fhir_server.store.connection import Database
from fhir_server.store.encryption import EncryptedDatabase, open_database
from fhir_server.store.encryption.reencryption import reencrypt
from pipelines.consultation.closing import close
from pipelines.note import RulesDrafter
from pipelines.store import AudioSpool, Journal
from tests.encrypted import dump, local, shown
from tests.pipelines.consultation.clinic import TWO, Clinic, Line, eventually

AUDIO = b"this-is-how-it-sounded!!" * 1_000  # of whole samples of two channels
LINES = [
    Line(0, 0.02, 0.1, "What brings you in today?"),
    Line(1, 0.12, 0.2, "I have had a bad cough for three days."),
    Line(0, 0.22, 0.3, "I will prescribe amoxicillin 500 milligrams three times a day."),
]


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    name = f"test_{uuid.uuid4().hex}"
    async with open_database(mongo_uri, name, local()) as opened:
        yield opened
        await opened.client.drop_database(name)


async def test_what_was_said_is_encrypted(
    clinic: Clinic, database: Database, mongo_uri: str
) -> None:
    clinic.script.lines = list(LINES)
    process = clinic.process()
    encounter = await clinic.begin(process, TWO)
    microphone = await process.microphone(encounter, TWO)
    for number in range(4):
        await microphone.append(number, AUDIO)
    while microphone.durable < 4:
        await microphone.wait_durable(microphone.durable)

    async def heard() -> bool:
        record = await process.find(encounter)
        return record.segments >= 3 and bool(record.alerts)

    await eventually(heard)
    words = ("bad cough", "amoxicillin 500", "how-it-sounded", "penicillin", "Amoxicillin")
    assert shown(await dump(mongo_uri, database.name), *words) == []
    again = clinic.process()  # as another process, or this one after a crash, finds it
    spoken = [one.text for one in await Journal(database).load(encounter)]
    assert spoken == [line.text for line in LINES]
    audio = b"".join([piece async for piece in AudioSpool(database).read(encounter)])
    assert audio == AUDIO * 4
    assert (await again.find(encounter)).alerts

    await process.stop(encounter)

    async def drained() -> bool:
        return (await process.find(encounter)).drained

    await eventually(drained)
    assert await close(encounter, store=clinic.store, drafter=RulesDrafter(), clock=system_clock)
    note = (await process.find(encounter)).note
    assert note is not None
    assert shown(await dump(mongo_uri, database.name), *words) == []

    assert isinstance(database, EncryptedDatabase)
    database.cipher.vault.add()
    changed = [step.changed async for step in reencrypt(database, settle=0)]
    assert changed[-1] > 10
    assert (await process.find(encounter)).note == note
    assert [one.text for one in await Journal(database).load(encounter)] == spoken
