"""Application acknowledgements on the return path."""

from __future__ import annotations

from datetime import timedelta

from fhir_server.clock import system_clock
from fhir_server.store.connection import Database
from integrations.hl7v2.acknowledgement import ReturnPath
from integrations.hl7v2.acknowledgement.building import acknowledge
from integrations.hl7v2.outbound.returning import QueuedReturnPath
from integrations.hl7v2.store.outbound_queue import OutboundQueue
from tests.integrations.hl7v2.destinations import scripted
from tests.integrations.hl7v2.outbound.chart import AT, destination
from tests.integrations.hl7v2.outbound.sending import Clock, open_store, sender

REQUEST = b"MSH|^~\\&|LAB|CITY|AIMED||20260101||ADT^A08|r1|P|2.5.1|||AL|AL\rPID|1\r"


async def test_it_goes_to_who_sent_the_message(database: Database) -> None:
    store = await open_store(database)
    answers = {
        one: acknowledge(REQUEST, "AA", control_id="x1", at=AT, accept=one) for one in ("NE", "AL")
    }
    async with scripted() as server:
        lab = destination(port=server.port, messages=["ACK"], receiving_facility="CITY")
        path: ReturnPath = QueuedReturnPath(
            database, [destination(name="ris", messages=["ACK"]), lab], clock=system_clock
        )
        for number, answer in enumerate(answers.values()):
            for _ in range(2):  # given twice, queued once
                assert await path.send_application_acknowledgement(
                    answer, listener=f"in{number}", application="LAB", facility="CITY"
                )
        assert not await path.send_application_acknowledgement(
            answers["NE"], listener="in", application="PAS", facility="CITY"
        )
        clock = Clock()
        clock.ahead = timedelta(seconds=1)
        sending = sender(store, lab, clock)
        for _ in range(2):
            await sending.step()
        await server.until(2)
        await sending.aclose()
    found = await OutboundQueue(database).page({}, count=10)
    assert [(one.state, one.reason) for one in found] == [
        ("acknowledged", "AA"),
        ("acknowledged", "sent"),
    ]
    assert [frame for _, frame in server.received] == list(answers.values())
