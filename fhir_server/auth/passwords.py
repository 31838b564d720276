"""Password hashing: argon2id through pwdlib. OWASP Password Storage Cheat Sheet; RFC 9106."""

from __future__ import annotations

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher


class Passwords:
    """Hashes and checks, off the event loop: one check takes some 50 ms of one core."""

    def __init__(self) -> None:
        self._hash = PasswordHash((Argon2Hasher(),))
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """The argon2id hash to store."""
        return await asyncio.to_thread(self._hash.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a stronger hash to store if the old one is dated.

        With `stored` None an equal amount of work is done and the answer is no, so that the time
        taken does not tell whether an account exists.
        """
        if stored is None:
            await self._verify_dummy(password)
            return False, None
        return await asyncio.to_thread(self._hash.verify_and_update, password, stored)

    async def _verify_dummy(self, password: str) -> None:
        if self._dummy is None:
            self._dummy = await self.hash("no account has this password")
        await asyncio.to_thread(self._hash.verify, password, self._dummy)
