"""An account to sign in with, hashed once a run: argon2id takes 0.17 s each time by intention.

Checking a password takes as long, so who only needs a token has it issued.
"""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from fhir_server.auth.authenticator import Session
from fhir_server.auth.sign_in import CLINICIAN_SCOPE
from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account

USERNAME, PASSWORD = "dr.adams", "correct horse battery staple"


@cache
def dr_adams() -> Account:
    """A clinician, Practitioner/p1."""
    return Account(
        username=USERNAME,
        password_hash=PasswordHash((Argon2Hasher(),)).hash(PASSWORD),
        reference="Practitioner/p1",
        display="Dr Adams",
        roles=("clinician",),
        scope=CLINICIAN_SCOPE,
    )


async def bearer(server: FhirServer, account: Account | None = None) -> dict[str, str]:
    """The header with a token such as signing in gives, of Dr Adams unless told."""
    session = Session(idle=server.server.settings.idle_seconds)
    issued = await server.authenticator.issue(account or dr_adams(), session=session)
    return {"Authorization": f"Bearer {issued.access_token}"}
