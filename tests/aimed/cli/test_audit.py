"""`aimed audit`, on a database of its own."""

from __future__ import annotations

import asyncio

import pytest

from aimed.cli.audit import make_audit
from aimed.embedded.errors import StackError
from aimed.fhir import open_fhir
from aimed.settings import Settings
from fhir_server.audit import Access
from fhir_server.auth.caller import SYSTEM
from fhir_server.store.connection import connect
from tests.aimed.cli.running import Run, RunOf


@pytest.fixture
def run(run_of: RunOf, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a subcommand and answers what it printed."""
    monkeypatch.setenv("AIMED_FHIR__AUDIT__CHAIN_KEY", "k" * 32)
    asyncio.run(_events())
    return run_of(make_audit())


async def _events() -> None:
    async with open_fhir(Settings()) as fhir:
        await fhir.server.audit.record(SYSTEM, Access("read", entities=("Patient/x",)))


async def _change(uri: str, name: str) -> None:
    async with connect(uri) as client:
        await client[name]["history"].update_one({"type": "AuditEvent"}, {"$set": {"raw": b"{}"}})


def test_verify_head_and_purge(run: Run, mongo_uri: str, name: str) -> None:
    assert run("verify") == "The audit trail is whole: 1 events.\n"
    head = run("head").strip()
    assert head.startswith("1:")
    assert run("verify", "--head", head) == "The audit trail is whole: 1 events.\n"
    with pytest.raises(StackError, match="1 findings"):
        run("verify", "--head", f"1:{'0' * 64}")
    assert run("purge") == "Removed 0 events.\n"
    asyncio.run(_change(mongo_uri, name))
    with pytest.raises(StackError, match="not whole"):
        run("verify")


def test_a_head_that_is_none(run: Run) -> None:
    with pytest.raises(StackError, match="NUMBER:HASH"):
        run("verify", "--head", "abc")
