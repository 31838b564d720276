"""`aimed keys`, on a database of its own."""

from __future__ import annotations

import asyncio
import base64
import re
import signal
import subprocess
import sys

import pytest

from aimed.cli.keys import make_keys
from aimed.embedded.errors import StackError
from aimed.encryption import check_encryption
from aimed.fhir import open_fhir
from aimed.settings import Settings
from fhir_server.errors import EncryptionFault
from fhir_server.store.connection import connect
from tests.aimed.cli.running import Run, RunOf
from tests.encrypted import KEY, OTHER_KEY, dump, shown

NAME = "Quillfeather"


@pytest.fixture
def run(run_of: RunOf) -> Run:
    """Runs a subcommand and answers what it printed."""
    return run_of(make_keys())


async def _put() -> None:
    async with open_fhir(Settings()) as fhir:
        patient = {"resourceType": "Patient", "id": "p1", "name": [{"family": NAME}]}
        await fhir.server.store.transact(lambda unit: unit.put(patient))


async def _read() -> bytes:
    async with open_fhir(Settings()) as fhir:
        return (await fhir.server.store.read("Patient", "p1")).raw


def test_a_master_key_is_96_random_bytes(run: Run) -> None:
    assert len(base64.b64decode(run("generate"))) == 96
    assert run("generate") != run("generate")


def test_from_no_encryption_to_a_second_master_key(
    run: Run, mongo_uri: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_put())
    with pytest.raises(StackError, match="Encryption is off"):
        run("status")
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__PROVIDER", "local")
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__KEY", KEY)
    assert re.fullmatch(r"Encrypted [1-9]\d* documents anew.\n", run("reencrypt"))
    assert shown(asyncio.run(dump(mongo_uri, name)), NAME) == []
    assert re.fullmatch(r"1 20\d\d-\d\d-\d\d \d\d:\d\d local:\w{8}\n", run("status"))

    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__KEY", OTHER_KEY)
    with pytest.raises(EncryptionFault, match="which the settings do not name"):
        run("status")
    with pytest.raises(EncryptionFault):
        asyncio.run(check_encryption(Settings()))
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__PREVIOUS_KEY", KEY)
    assert run("rotate") == "Data key 2 is in use; 2 data keys are wrapped anew.\n"
    monkeypatch.delenv("AIMED_FHIR__ENCRYPTION__PREVIOUS_KEY")
    assert re.fullmatch(r"Encrypted [1-9]\d* documents anew.\n", run("reencrypt"))
    assert NAME.encode() in asyncio.run(_read())
    assert len({line.split()[-1] for line in run("status").splitlines()}) == 1


def test_production_without_encryption_is_warned_of(
    run: Run, mongo_uri: str, redis_uri: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings().model_copy(update={"environment": "production"})
    asyncio.run(check_encryption(settings))
    assert "not encrypted at rest" in capsys.readouterr().out
    asyncio.run(check_encryption(Settings()))
    assert "not encrypted" not in capsys.readouterr().out


def test_killed_in_the_middle_it_goes_on(
    run: Run, mongo_uri: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__PROVIDER", "local")
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__KEY", KEY)
    assert any(_killed_in_the_middle(mongo_uri, name) for _ in range(5))
    left = shown(asyncio.run(dump(mongo_uri, name)), NAME)
    assert left == [("history", NAME)]
    # All of both runs, but for a batch that was encrypted and not yet noted when the kill came.
    told = re.fullmatch(r"Encrypted (\d+) documents anew\.\n", run("reencrypt"))
    assert told is not None
    assert _MANY - _BATCH <= int(told[1]) <= _MANY
    assert shown(asyncio.run(dump(mongo_uri, name)), NAME) == []


_MANY = 1_200
_BATCH = 200


def _killed_in_the_middle(uri: str, name: str) -> bool:
    """False when it had done everything before a busy machine came to kill it."""
    asyncio.run(_many(uri, name))
    with subprocess.Popen([sys.executable, "-m", "aimed", "keys", "reencrypt"]) as killed:
        try:
            done = asyncio.run(_begun(uri, name))
        finally:
            killed.kill()
    return killed.returncode == -signal.SIGKILL and 0 < done < _MANY


async def _many(uri: str, name: str) -> None:
    """Versions of patients as they are stored without encryption."""
    raw = b'{"resourceType":"Patient","name":[{"family":"%s"}]}' % NAME.encode()
    versions = [
        {"_id": f"Patient/p{n}/1", "type": "Patient", "id": f"p{n}", "v": 1, "raw": raw}
        for n in range(_MANY)
    ]
    async with connect(uri) as client:
        await client[name]["jobs"].delete_many({})
        await client[name]["history"].delete_many({})
        await client[name]["history"].insert_many(versions)


async def _begun(uri: str, name: str) -> int:
    """Wait until some of them are encrypted; how many."""
    async with connect(uri) as client, asyncio.timeout(60):
        while not (job := await client[name]["jobs"].find_one({"done": {"$gt": 0}})):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return int(job["done"])
