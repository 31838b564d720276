"""Caller, target, request, expected: every row of access_cases.tsv over HTTP with a real token.

Rows are in order: those that write change only what later rows look at. docs/guides/access-control.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
import pytest_asyncio

from fhir_server.server import FhirServer
from tests.conformance.access.world import HERE, World

ROWS = [
    line.split("\t")
    for line in (HERE / "access_cases.tsv").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(server: FhirServer) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        made = World(server, stack)
        await made.fill()
        yield made


def test_there_are_enough() -> None:
    assert len(ROWS) >= 120


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row[:4]))
async def test_case(world: World, row: list[str]) -> None:
    caller, method, address, body, status, *shown = row
    answer = await world.ask(caller, method, address, body)
    assert answer.status_code == int(status), answer.text
    for wanted in shown[0].split(" ") if shown else ():
        _check(answer, *wanted.split("=", 1))


def _check(answer: httpx2.Response, what: str, wanted: str) -> None:
    wanted = wanted.replace("·", " ")
    if what == "ids":
        entries = answer.json().get("entry", [])
        found = {one["resource"]["id"] for one in entries if _is_data(one)}
        assert sorted(found) == [one for one in wanted.split(",") if one]
    elif what == "total":
        assert answer.json()["total"] == int(wanted)
    elif what == "has":
        assert wanted in answer.text
    else:
        assert what == "lacks"
        assert wanted not in answer.text


def _is_data(entry: dict[str, dict[str, str]]) -> bool:
    return entry.get("search", {}).get("mode") != "outcome" and "resource" in entry
