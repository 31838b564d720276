"""An account to sign in with, hashed once a run: argon2id takes 0.17 s each time by intention."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from fhir_server.auth.sign_in import CLINICIAN_SCOPE
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
