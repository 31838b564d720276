"""Password hashing: argon2id through pwdlib. OWASP Password Storage Cheat Sheet; RFC 9106.

bcrypt hashes that an older system brought along are checked and replaced on the first sign-in.
"""

from __future__ import annotations

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

_AT_ONCE = 4
"""Hashes made or checked at once: each takes 64 MiB and a core, and a flood of sign-ins waits here
instead of taking all memory."""

_BCRYPT_LONGEST = 72
"""Bytes; the library raises above, and older systems cut off what is longer."""


class Passwords:
    """Hashes and checks, off the event loop: one check takes some 50 ms of one core."""

    def __init__(self) -> None:
        self._hash = PasswordHash((Argon2Hasher(), BcryptHasher()))
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """The argon2id hash to store."""
        async with self._slots:
            return await asyncio.to_thread(self._hash.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a stronger hash to store if the old one is dated.

        With `stored` None an equal amount of work is done and the answer is no, so that the time
        taken does not tell whether an account exists.
        """
        if stored is None:
            await self._verify_dummy(password)
            return False, None
        if stored.startswith("$2") and len(password.encode()) > _BCRYPT_LONGEST:
            await self._verify_dummy(password)
            return False, None
        async with self._slots:
            return await asyncio.to_thread(self._hash.verify_and_update, password, stored)

    async def _verify_dummy(self, password: str) -> None:
        if self._dummy is None:
            self._dummy = await self.hash("no account has this password")
        async with self._slots:
            await asyncio.to_thread(self._hash.verify, password, self._dummy)
