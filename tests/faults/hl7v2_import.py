"""Imports one message from a process of its own; with `killed` it dies before the commit."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from datetime import UTC, datetime

from fhir_server.clock import random_id, system_clock
from fhir_server.server import open_fhir_server
from fhir_server.settings import EncryptionSettings, FhirSettings
from fhir_server.store import UnitOfWork
from fhir_server.store.encryption import open_database
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.engine import convert
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.mapping.tables import default_tables
from integrations.hl7v2.message import parse
from integrations.hl7v2.writing import Applied, MessageSource
from integrations.hl7v2.writing.importing import Importing

MESSAGE = (
    b"MSH|^~\\&|HIS|CITY|AIMED|CITY|20260101120000||ADT^A01^ADT_A01|1|P|2.5.1\r"
    b"EVN|A01|20260101120000\r"
    b"PID|1||4711^^^CITY^MR||Kim^Ana||19800203|F\r"
    b"PV1|1|I|W3^12^1^CITY||||7^House^Greg^^^Dr^^^NPI|||MED||||||||INP|V1^^^CITY^VN\r"
)


async def _die(unit: UnitOfWork, conversion: Conversion, applied: Applied) -> None:
    await unit.flush()  # all of it has reached the database; only the commit is missing
    os.kill(os.getpid(), signal.SIGKILL)


async def _import(uri: str, name: str, *, killed: bool) -> None:
    async with open_database(uri, name, EncryptionSettings()) as database:
        fhir = await open_fhir_server(
            database,
            FhirSettings(),
            clock=system_clock,
            ids=random_id,
            secret=lambda: secrets.token_urlsafe(32),
        )
        importing = Importing(fhir.server, consequences=(_die,) if killed else ())
        await importing.prepare()
        received = datetime(2026, 1, 1, 12, tzinfo=UTC)
        converted = convert(parse(MESSAGE), default_tables(), SiteMapping(), at=received)
        await importing.write(converted, MessageSource("m1", "ab" * 32, received))
        await fhir.aclose()


if __name__ == "__main__":
    asyncio.run(_import(sys.argv[1], sys.argv[2], killed=sys.argv[3] == "killed"))
