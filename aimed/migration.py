"""Brings a database up to this version: collections, indexes, and the first account."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from aimed.fhir import open_fhir
from aimed.first_login import FirstLogin
from aimed.settings import Settings
from fhir_server.clock import random_id
from fhir_server.errors import VersionConflict
from fhir_server.resource import Resource
from fhir_server.server import FhirServer
from integrations.hl7v2 import store as hl7v2_store
from integrations.hl7v2.store.outbound_indexes import prepare_outbound
from pipelines.store import prepare

FIRST_USERNAME = "clinician"


async def migrate(settings: Settings, *, first_login: Path | None = None) -> FirstLogin | None:
    """Create what is missing. With `first_login`, an empty installation gets an account.

    The password is written to that file before the account exists, so that a crash between the two
    leaves nobody locked out. None when there were accounts already.
    """
    async with open_fhir(settings) as server:
        await prepare(server.server.store.database)
        await prepare_outbound(server.server.store.database)
        await hl7v2_store.prepare(server.server.store.database)
        if first_login is None or await server.accounts.any():
            return None
        login = FirstLogin(FIRST_USERNAME, secrets.token_urlsafe(12))
        await asyncio.to_thread(login.save, first_login)
        await add_user(server, login.username, login.password, display="First clinician")
        return login


async def add_user(
    server: FhirServer, username: str, password: str, *, display: str, email: str = ""
) -> str:
    """An account and the Practitioner behind it; returns the Practitioner's reference.

    Raises `VersionConflict` when the name is taken.
    """
    if await server.accounts.find(username) is not None:
        raise VersionConflict("An account of that name exists already.")
    id = random_id()
    practitioner: Resource = {
        "resourceType": "Practitioner",
        "id": id,
        "active": True,
        "name": [{"text": display}],
    }
    # The person first: an account without one could sign in and be nobody in the audit.
    await server.server.store.transact(lambda unit: unit.put(practitioner))
    reference = f"Practitioner/{id}"
    await server.sign_in.add_account(
        username, password, reference=reference, display=display, email=email
    )
    return reference
