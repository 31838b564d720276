"""`aimed user`, on a database of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from aimed.cli.user import make_user
from aimed.embedded.errors import StackError
from aimed.fhir import open_fhir
from aimed.settings import Settings
from fhir_server.auth.authenticator import Session
from tests.aimed.cli.running import Run, RunOf

PASSWORD = "violet tractor mumbles"


@pytest.fixture
def run(run_of: RunOf) -> Run:
    """Runs a subcommand and answers what it printed; `typed` is what it reads."""
    return run_of(make_user())


async def _signed_in(username: str) -> None:
    async with open_fhir(Settings()) as server:
        account, _ = await server.sign_in.sign_in(username, PASSWORD, Session(agent="Browser"))
        assert account.username == username


async def _acts() -> list[dict[str, Any]]:
    async with open_fhir(Settings()) as server:
        page = await server.server.store.search({"type": "AuditEvent"}, count=100)
        return [one.resource() for one in page.entries]


def test_life_of_an_account(run: Run) -> None:
    added = run("add", "Lee", "--display", "Dr Lee", "--role", "admin", typed=f"{PASSWORD}\n")
    assert added == "Added lee.\n"
    with pytest.raises(StackError, match="exists already"):
        run("add", "lee", "--display", "Dr Lee", typed=f"{PASSWORD}\n")
    with pytest.raises(StackError, match="at least 12"):
        run("add", "kim", "--display", "Dr Kim", typed="short\n")
    told = json.loads(run("list", "--json"))
    assert [(one["username"], one["roles"], one["status"]) for one in told] == [
        ("lee", ["admin"], "active")
    ]
    assert run("list", "--role", "nurse") == ""
    asyncio.run(_signed_in("lee"))
    sessions = json.loads(run("sessions", "lee", "--json"))
    assert [one["agent"] for one in sessions] == ["Browser"]
    assert run("end-sessions", "lee", sessions[0]["id"]) == "Ended.\n"
    assert json.loads(run("sessions", "lee", "--json")) == []
    told = json.loads(run("show", "lee", "--json"))
    assert told["last_sign_in"]
    assert told["lock"] == {"failures": 0, "until": None}
    assert "last sign in: 2" in run("show", "lee")
    for command in (("disable", "lee"), ("roles", "lee", "nurse")):
        with pytest.raises(StackError, match="last active administrator"):
            run(*command)
    queries = [
        entity for one in asyncio.run(_acts()) for entity in one["entity"] if "query" in entity
    ]
    assert len(queries) >= 4


def test_by_a_link(run: Run) -> None:
    printed = run("add", "kim", "--display", "Dr Kim", "--link", "--base", "https://ai.example/")
    assert "https://ai.example/set-password#" in printed
    assert json.loads(run("show", "kim", "--json"))["has_password"] is False
    assert "/set-password#" in run("password-link", "kim")
    with pytest.raises(StackError, match="no password yet"):
        run("require-password-change", "kim")
    assert run("password", "kim", typed=f"{PASSWORD}\n") == "Changed.\n"
    assert run("require-password-change", "kim") == "Another password has to be set.\n"
    assert run("unlock", "kim") == "Unlocked.\n"
    assert run("forget-second-factor", "kim") == "Removed.\n"
    assert run("disable", "kim") == "Disabled.\n"
    assert run("enable", "kim") == "Enabled.\n"
    with pytest.raises(StackError, match="no account"):
        run("show", "nobody")
    with pytest.raises(StackError, match="Roles are one or more of"):
        run("roles", "kim", "king")
