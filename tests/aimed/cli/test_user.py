"""`aimed user`, on a database of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aimed.cli.user import make_user
from aimed.embedded.errors import StackError
from fhir_server.store.connection import connect
from tests.aimed.cli.running import Run, RunOf

PASSWORD = "correct horse battery staple\n"


@pytest.fixture
def run(run_of: RunOf) -> Run:
    """Runs a subcommand and answers what it printed."""
    return run_of(make_user(), typed=PASSWORD)


def jobs(uri: str, name: str) -> list[dict[str, Any]]:
    """The jobs in the outbox."""

    async def found() -> list[dict[str, Any]]:
        async with connect(uri) as client:
            return [row async for row in client[name]["outbox"].find({"topic": "job"})]

    return asyncio.run(found())


def test_an_account_has_an_address_that_can_be_changed(run: Run, mongo_uri: str, name: str) -> None:
    run("add", "adams", "--display", "Dr Adams", "--email", "Adams@Clinic.example")
    assert "<adams@clinic.example>" in run("list")
    run("email", "adams", "adams@hospital.example")
    assert "<adams@hospital.example>" in run("list")
    [told] = jobs(mongo_uri, name)
    assert (told["data"]["name"], told["data"]["to"]) == ("address_changed", "adams@clinic.example")
    run("email", "adams", "")
    assert "<" not in run("list")


def test_what_is_no_address_is_refused(run: Run) -> None:
    with pytest.raises(StackError, match="no e-mail address"):
        run("add", "adams", "--display", "Dr Adams", "--email", "adams at clinic")
    assert run("list") == ""
