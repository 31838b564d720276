"""The message store on a database with encryption at rest."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from fhir_server.store.encryption import open_database
from integrations.hl7v2.store import MessageQuery, Outcome, prepare, search
from tests.encrypted import dump, local
from tests.integrations.hl7v2.running import codes, message, peer, running, until


async def test_bytes_and_report_are_sealed_and_come_back(mongo_uri: str) -> None:
    name = f"test_{uuid.uuid4().hex}"
    async with open_database(mongo_uri, name, local()) as database:
        await prepare(database)
        async with running(database) as hl7:
            async with peer(hl7.port) as one:
                assert codes(await one.ask(message("C1", patient="4711"))) == ("AA", "C1")
                assert codes(await one.ask(message("C1", patient="4711"))) == ("AA", "C1")

            async def done() -> bool:
                return (await hl7.store.counts()).get("converted") == 1

            await until(done)
            (found,) = (await search(database, MessageQuery(patient="4711"))).messages
            whole = await hl7.store.read(found.id)
            assert whole.raw == message("C1", patient="4711")
            assert whole.report == {"mapped": 1}
            outcome = Outcome(
                found.id, "failed", datetime.now(UTC), text="Why.", report={"a": "Jane"}
            )
            await hl7.store.finish(outcome)
        kept = (await dump(mongo_uri, name))["hl7v2_messages"]
        assert b"4711" in kept
        assert b"Doe" not in kept
        assert b"Jane" not in kept
        await database.client.drop_database(name)
