"""`aimed hl7v2` for programs: every command that answers, answers in JSON."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from aimed.cli.hl7v2 import make_hl7v2
from fhir_server.store.connection import connect
from integrations.hl7v2.store.outbound_queue import OutboundQueue, QueuedMessage
from tests.aimed.cli.running import RunOf
from tests.integrations.hl7v2.outbound.chart import AT
from tests.integrations.hl7v2.running import message

ARCHIVE = {"name": "archive", "host": "127.0.0.1", "port": 9}


@pytest.fixture
def withheld(mongo_uri: str, name: str) -> None:
    """A message that was withheld from the archive."""

    async def put() -> None:
        async with connect(mongo_uri) as client:
            made = QueuedMessage(
                id="archive/1/ADT^A28",
                destination="archive",
                position="1",
                state="withheld",
                trigger="ADT^A28",
                control_id="C1",
                patient="Patient/p1",
                resource="Patient/p1",
                version=1,
                event="create",
                happened=AT,
                created=AT,
                due=AT,
                payload=b"MSH|",
            )
            await OutboundQueue(client[name]).add(made)

    asyncio.run(put())


def test_destinations_in_json(
    run_of: RunOf, withheld: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMED_HL7V2__OUTBOUND__DESTINATIONS", json.dumps([ARCHIVE]))
    run = run_of(make_hl7v2())

    def told(*arguments: str) -> Any:
        return json.loads(run(*arguments, "--json"))

    def archive() -> dict[str, Any]:
        (one,) = told("feeds")["destinations"]
        return {key: one[key] for key in ("paused", "backlog", "withheld")}

    assert told("destinations", "pause", "archive") == {"destination": "archive", "paused": True}
    assert archive() == {"paused": True, "backlog": 0, "withheld": 1}
    assert told("destinations", "resume", "archive") == {"destination": "archive", "paused": False}
    assert told("destinations", "resend", "archive") == {"queued": 0}
    assert told("destinations", "resend", "archive", "--withheld") == {"queued": 1}
    assert archive() == {"paused": False, "backlog": 1, "withheld": 0}
    assert run("destinations", "pause", "archive") == "archive is paused.\n"


def test_ingest_in_json(run_of: RunOf, tmp_path: Path) -> None:
    batch = tmp_path / "batch.hl7"
    batch.write_bytes(b"BHS|^~\\&\r" + message("C1") + message("C1") + b"BTS|3\r")
    (told,) = json.loads(run_of(make_hl7v2())("ingest", str(batch), "--json"))
    assert told.pop("file") == str(batch)
    (problem,) = told.pop("problems")
    assert "says 3 messages (BTS-1)" in problem
    assert told == {"stored": 1, "known": 1, "refused": 0}


def test_every_command_has_json() -> None:
    group = typer.main.get_command(make_hl7v2())
    waiting, named = [("", group)], []
    while waiting:
        path, one = waiting.pop()
        if children := getattr(one, "commands", None):
            waiting += [(f"{path} {name}".strip(), child) for name, child in children.items()]
            continue
        named.append(path)
        assert "--json" in {option for given in one.params for option in given.opts}, path
    assert {"ingest", "feeds", "replay", "destinations pause"} <= set(named)
