"""Who connects and who is turned away is in the audit trail, and no flood of it is."""

from __future__ import annotations

import asyncio
import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_server.audit import AuditTrail
from fhir_server.audit.sealing import Sealing
from fhir_server.clock import random_id, system_clock
from fhir_server.store import MongoStore
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.connection import Database
from integrations.hl7v2.mllp.admissions import MOST, Admission, Admissions
from integrations.hl7v2.mllp.recording import recorder
from tests.integrations.hl7v2.mllp.test_server import AUTHORITY, tls_files
from tests.integrations.hl7v2.running import codes, message, peer, running

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def client(name: str = "") -> ssl.SSLContext:
    """A client that trusts the server, and has a certificate of this common name if any."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if name:
        AUTHORITY.issue_cert("client.example", common_name=name).configure_cert(context)
    return context


async def test_each_kind_leaves_one_event(database: Database, tmp_path: Path) -> None:
    store = MongoStore(database, clock=system_clock, ids=random_id)
    await store.prepare()
    sealing = Sealing(AuditChain(database), store.witness, clock=system_clock)
    audit = AuditTrail(store, sealing, clock=system_clock)
    listeners = [
        {"name": "theirs", "peers": ["10.0.0.0/8"]},
        {"name": "secure", "tls": tls_files(tmp_path, mutual=True)},
        {"name": "open"},
    ]
    async with running(database, {"listeners": listeners}, record=recorder(audit)) as hl7:
        theirs, secure, plain = (port for _, _, port in hl7.server.addresses)
        for _ in range(3):
            async with peer(theirs) as one:
                assert await one.closed()
            async with peer(secure, ssl=client("lab system")) as one:
                assert codes(await one.ask(message("C1"))) == ("AA", "C1")
        await strangers(secure)
        async with peer(plain) as one:
            assert codes(await one.ask(message("C2"))) == ("AA", "C2")
    found = [told(one.resource()) for one in await events(store)]
    await audit.aclose()
    assert len(found) == 7
    assert set(found) == {
        ("open", "", "0", "not authenticated", "127.0.0.1", None),
        ("secure", "", "0", "lab system", "127.0.0.1", None),
        ("secure", "2", "0", "lab system", "127.0.0.1", None),
        ("secure", "", "4", "not authenticated", "127.0.0.1", "HTTP 403 tls"),
        ("secure", "1", "4", "not authenticated", "127.0.0.1", "HTTP 403 tls"),
        *[
            ("theirs", more, "4", "not authenticated", "127.0.0.1", f"HTTP 403 {REFUSED}")
            for more in ("", "2")
        ],
    }


REFUSED = "not among the peers of this listener"


async def strangers(port: int) -> None:
    """Without a certificate, and without TLS."""
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        async with peer(port, ssl=client()) as one:
            await one.ask(message("C3"))
    async with peer(port) as one:
        await one.send(message("C3"))
        assert await one.closed()


async def events(store: MongoStore) -> list[Any]:
    page = await store.search({"type": "AuditEvent"}, count=100)
    return list(page.entries)


def told(event: dict[str, Any]) -> tuple[str, str, str, str, str, str | None]:
    """Listener, how many more, outcome, who, from where, why not."""
    assert event["subtype"][0]["code"] == "110126"
    (query,) = (base64.b64decode(one["query"]).decode() for one in event["entity"])
    name, _, rest = query.partition("?")
    assert name == "hl7v2/connect"
    pairs = dict(one.split("=") for one in rest.split("&"))
    peer_of = event["agent"][0]
    who = peer_of["who"].get("display") or peer_of["who"]["identifier"]["value"]
    address = peer_of["network"]["address"]
    outcome, why = event["outcome"], event.get("outcomeDesc")
    return pairs["listener"], pairs.get("more", ""), outcome, who, address, why


class Kept:
    """Records in a list, and not at all while `broken`."""

    def __init__(self) -> None:
        self.records: list[tuple[Admission, int]] = []
        self.broken = False

    async def __call__(self, admission: Admission, more: int) -> None:
        if self.broken:
            raise OSError
        self.records.append((admission, more))


async def test_a_scan_leaves_a_bounded_number() -> None:
    now, kept = NOON, Kept()
    admissions = Admissions(kept, lambda: now)
    for number in range(10_000):
        admissions.note(Admission("adt", f"10.0.{number // 250}.{number % 250}", "tls"))
    await asyncio.sleep(0)
    assert len(kept.records) == MOST + 1
    assert kept.records[-1] == (Admission("adt", "", "tls"), 0)
    now += timedelta(hours=1)
    admissions.note(Admission("adt", "10.0.0.0", "tls"))
    await admissions.aclose()
    assert kept.records[MOST + 1 :] == [
        (Admission("adt", "", "tls"), 10_000 - MOST - 1),
        (Admission("adt", "10.0.0.0", "tls"), 0),
    ]


async def test_what_could_not_be_recorded_is_tried_at_the_next() -> None:
    kept = Kept()
    admissions = Admissions(kept, lambda: NOON)
    kept.broken = True
    admissions.note(Admission("adt", "10.0.0.1"))
    await asyncio.sleep(0)
    kept.broken = False
    for _ in range(3):
        admissions.note(Admission("adt", "10.0.0.1"))
    await admissions.aclose()
    assert [more for _, more in kept.records] == [0, 2]
