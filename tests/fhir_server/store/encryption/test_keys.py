"""Keys: which are refused, how they are rotated, and going over what was stored before."""

from __future__ import annotations

import asyncio
import base64
import secrets
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fhir_server.clock import random_id, system_clock
from fhir_server.errors import EncryptionFault
from fhir_server.settings import EncryptionSettings
from fhir_server.store import MongoStore, UnitOfWork
from fhir_server.store.connection import Database, connect
from fhir_server.store.encryption import EncryptedDatabase, open_database
from fhir_server.store.encryption.cipher import key_of
from fhir_server.store.encryption.client_side import LOOK_EVERY
from fhir_server.store.encryption.reencryption import Progress, reencrypt
from fhir_server.store.secrets import shared_secret
from tests.encrypted import KEY, OTHER_KEY, dump, local, shown

OFF = EncryptionSettings()
NAME = "Quillfeather"
BLOB = "QUJDRA" * 100_000


@pytest.fixture
async def name(mongo_uri: str) -> AsyncIterator[str]:
    made = f"test_{uuid.uuid4().hex}"
    yield made
    async with connect(mongo_uri) as client:
        await client.drop_database(made)


def patient(number: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": f"p{number}", "name": [{"family": NAME}]}


def binary() -> dict[str, Any]:
    return {"resourceType": "Binary", "id": "b", "contentType": "x/y", "data": BLOB}


@asynccontextmanager
async def opened(
    uri: str, name: str, settings: EncryptionSettings
) -> AsyncIterator[tuple[Database, MongoStore]]:
    async with open_database(uri, name, settings) as database:
        store = MongoStore(database, clock=system_clock, ids=random_id)
        await store.prepare()
        yield database, store


async def fill(store: MongoStore, count: int) -> None:
    async def body(unit: UnitOfWork) -> None:
        for number in range(count):
            await unit.put(patient(number))

    await store.transact(body)


async def _put(resource: dict[str, Any], unit: UnitOfWork) -> None:
    await unit.put(resource)


async def all_steps(database: Database) -> list[Progress]:
    assert isinstance(database, EncryptedDatabase)
    return [step async for step in reencrypt(database, settle=0)]


async def test_keys_that_are_no_keys(mongo_uri: str, name: str, tmp_path: Path) -> None:
    short = base64.b64encode(secrets.token_bytes(24)).decode()
    with pytest.raises(EncryptionFault, match="instead of 96") as refused:
        async with open_database(mongo_uri, name, local(short)):
            pass
    assert short not in str(refused.value)
    file = {"provider": "local", "key_file": tmp_path / "none"}
    missing = EncryptionSettings.model_validate(file)
    with pytest.raises(EncryptionFault, match="cannot be read"):
        async with open_database(mongo_uri, name, missing):
            pass
    for wrong in ({"provider": "local"}, {"provider": "aws"}, {"key": KEY}):
        with pytest.raises(ValidationError):
            EncryptionSettings.model_validate(wrong)


async def test_without_the_extra(
    mongo_uri: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymongocrypt", None)  # as if it were not installed
    with pytest.raises(EncryptionFault, match=r"aimed\[encryption\]"):
        async with open_database(mongo_uri, name, local()):
            pass


async def test_a_key_file(mongo_uri: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    file.write_text(KEY + "\n")
    settings = EncryptionSettings.model_validate({"provider": "local", "key_file": file})
    async with opened(mongo_uri, name, settings) as (_, store):
        await fill(store, 1)
    async with opened(mongo_uri, name, local()) as (_, store):
        assert NAME.encode() in (await store.read("Patient", "p0")).raw


async def test_another_key_or_none_is_refused(mongo_uri: str, name: str) -> None:
    async with opened(mongo_uri, name, local()) as (database, store):
        await fill(store, 1)
        await shared_secret(database, "one", b"secret")
    with pytest.raises(EncryptionFault, match="which the settings do not name"):
        async with open_database(mongo_uri, name, local(OTHER_KEY)):
            pass
    with pytest.raises(EncryptionFault, match="This database is encrypted"):
        async with open_database(mongo_uri, name, OFF):
            pass
    async with connect(mongo_uri) as client:
        await client[name]["data_keys"].drop()
    with pytest.raises(EncryptionFault, match="restore it"):
        async with open_database(mongo_uri, name, local()):
            pass


async def test_what_was_written_before_is_read_and_then_encrypted(
    mongo_uri: str, name: str
) -> None:
    async with opened(mongo_uri, name, OFF) as (_, store):
        await fill(store, 3)
        await store.transact(lambda unit: unit.put(binary()))
    assert shown(await dump(mongo_uri, name), NAME)
    async with opened(mongo_uri, name, local()) as (database, store):
        assert NAME.encode() in (await store.read("Patient", "p0")).raw
        assert (await all_steps(database))[-1].changed > 6
        assert shown(await dump(mongo_uri, name), NAME, b"ABCDABCDABCD") == []
        assert (await all_steps(database))[-1].changed == 0
    async with opened(mongo_uri, name, local(unencrypted="refuse")) as (_, store):
        assert NAME.encode() in (await store.read("Patient", "p0")).raw
        assert (await store.whole(await store.read("Binary", "b")))["data"] == BLOB
        async with connect(mongo_uri) as client:
            change = {"$set": {"raw": b'{"resourceType":"Patient","id":"p0"}'}}
            await client[name]["resources"].update_one({"_id": "Patient/p0"}, change)
        with pytest.raises(EncryptionFault, match="is not encrypted"):
            await store.read("Patient", "p0")


async def test_a_new_master_key(mongo_uri: str, name: str) -> None:
    async with opened(mongo_uri, name, local()) as (_, store):
        await fill(store, 1)
    both = local(OTHER_KEY, previous_key=KEY)
    async with opened(mongo_uri, name, both) as (database, store):
        assert isinstance(database, EncryptedDatabase)
        vault = database.cipher.vault
        await asyncio.to_thread(vault.add)
        assert await asyncio.to_thread(vault.wrap_again) == 2
        assert len({one.master for one in await asyncio.to_thread(vault.all)}) == 1
    async with opened(mongo_uri, name, local(OTHER_KEY)) as (_, store):
        assert NAME.encode() in (await store.read("Patient", "p0")).raw
    with pytest.raises(EncryptionFault):
        async with open_database(mongo_uri, name, local()):
            pass


async def test_rotation_while_others_write(mongo_uri: str, name: str) -> None:
    async with (
        opened(mongo_uri, name, local()) as (database, store),
        opened(mongo_uri, name, local()) as (_, elsewhere),
    ):
        assert isinstance(database, EncryptedDatabase)
        await fill(store, 5)
        stopped = False

        async def write() -> int:
            number = 0
            while not stopped:
                changed = {**patient(number % 5), "gender": ("male", "female")[number // 5 % 2]}
                await elsewhere.transact(partial(_put, changed))
                number += 1
            return number

        writing = asyncio.create_task(write())
        await asyncio.to_thread(database.cipher.vault.add)
        steps = [step async for step in reencrypt(database, settle=3 * LOOK_EVERY)]
        stopped = True
        assert await writing > 5
        assert steps[-1].done <= steps[-1].total
        current = await asyncio.to_thread(database.cipher.vault.current)
        async with connect(mongo_uri) as client:
            for collection in ("resources", "history"):
                async for one in client[name][collection].find():
                    assert key_of(one["raw"]) == current.id.as_uuid(), one["_id"]
        for number in range(5):
            page = await elsewhere.history({"type": "Patient", "id": f"p{number}"}, count=5000)
            versions = [one.version for one in page.entries]
            assert versions == list(range(len(versions), 0, -1))


async def test_it_goes_on_where_it_was_stopped(mongo_uri: str, name: str) -> None:
    async with opened(mongo_uri, name, OFF) as (_, store):
        await fill(store, 5)
    async with opened(mongo_uri, name, local()) as (database, _):
        assert isinstance(database, EncryptedDatabase)
        steps = reencrypt(database, settle=0)
        await anext(steps)
        first = await anext(steps)
        await steps.aclose()
        assert first.changed == 5
        again = [step async for step in reencrypt(database, settle=0)]
        assert again[0].done == first.done
        assert again[-1].changed == 10
    assert shown(await dump(mongo_uri, name), NAME) == []
