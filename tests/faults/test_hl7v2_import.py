"""Killed between conversion and commit: nothing of the message is there, then all of it once."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

import pytest

from fhir_server.store.connection import Database

pytestmark = pytest.mark.timeout(300)


async def _run(uri: str, database: Database, how: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.hl7v2_import", uri, database.name, how
    )
    async with asyncio.timeout(120):
        return await process.wait()


async def _types(database: Database) -> Counter[str]:
    found = await database["resources"].find({}, {"type": 1}).to_list()
    return Counter(one["type"] for one in found)


async def test_a_kill_before_the_commit(mongo_uri: str, database: Database) -> None:
    assert await _run(mongo_uri, database, "killed") == -9
    assert await _types(database) == Counter()
    for name in ("history", "outbox", "hl7v2_names", "hl7v2_ledgers", "audit_pending"):
        assert await database[name].count_documents({}) == 0, name

    assert await _run(mongo_uri, database, "whole") == 0
    once = await _types(database)
    assert (once["Patient"], once["Encounter"], once["Provenance"]) == (1, 1, 1)

    assert await _run(mongo_uri, database, "again") == 0
    assert await _types(database) == once
    versions = await database["history"].find({"v": {"$gt": 1}}).to_list()
    assert versions == []
