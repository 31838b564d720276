"""Commands on a database of their own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from fhir_server.store.connection import connect
from tests.aimed.cli.running import Run, RunOf


@pytest.fixture
def name() -> str:
    """Of the database."""
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
def run_of(
    mongo_uri: str, redis_uri: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunOf]:
    """Makes what runs the subcommands of a group. The database is dropped afterwards."""
    monkeypatch.setenv("AIMED_MONGO__URI", mongo_uri)
    monkeypatch.setenv("AIMED_REDIS__URI", redis_uri)
    monkeypatch.setenv("AIMED_MONGO__DATABASE", name)

    def of(group: typer.Typer, *, typed: str = "") -> Run:
        usual = typed

        def run(*arguments: str, typed: str | None = None) -> str:
            told = usual if typed is None else typed
            result = CliRunner().invoke(group, list(arguments), input=told)
            if result.exception is not None:
                raise result.exception
            return result.stdout

        return run

    yield of
    asyncio.run(_drop(mongo_uri, name))


async def _drop(uri: str, name: str) -> None:
    async with connect(uri) as client:
        await client.drop_database(name)
