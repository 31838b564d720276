"""The keys that we sign id_tokens with: RS256, published as a JWK set, rotated without a gap.

SMART App Launch 2.2 takes RS256 from OpenID Connect Core 3.1.3.7. A new key is published `lead`
before it signs, so that a client that cached the set has it in time, and an old one stays published
until the last token that it signed has expired.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwe, jwt
from joserfc.jwk import OctKey, RSAKey

from fhir_server.clock import Clock
from fhir_server.resource import dumps, loads
from fhir_server.store.smart.keys import SigningKeyStore, StoredKey

ALGORITHM = "RS256"
_BITS = 3072
"""NIST SP 800-57: 2048 bits end in 2030. Measured, 3072 sign in 0.7 ms and take 0.1 s to make."""

_SEALED = ("dir", "A256GCM")
_SKEW = timedelta(minutes=5)


class SigningKeys:
    """Signs, publishes and rotates.

    `lead` and `lifetime` (of the longest token, both in seconds) decide when keys come and go.
    `seal`, 32 bytes, encrypts private keys in the database; without it they lie there as they are.
    """

    def __init__(
        self,
        store: SigningKeyStore,
        *,
        clock: Clock,
        lead: int = 3600,
        lifetime: int = 24 * 3600,
        seal: bytes | None = None,
        bits: int = _BITS,
    ) -> None:
        """Raises `ValueError` for a lead, size or seal that is too short."""
        if lead < 2 or bits < 2048 or (seal is not None and len(seal) != 32):
            raise ValueError("lead is 2 s or more, bits 2048 or more, and a seal has 32 bytes.")
        self._store = store
        self._clock = clock
        self._lead = timedelta(seconds=lead)
        self._life = timedelta(seconds=lifetime) + _SKEW
        self._seal = OctKey.import_key(seal) if seal else None
        self._bits = bits
        # What other processes rotated is seen here within this time, well before it is used.
        self._fresh = min(timedelta(seconds=60), self._lead / 2)
        self._known: list[StoredKey] = []
        self._read: datetime | None = None
        self._opened: dict[str, RSAKey] = {}

    @property
    def max_age(self) -> int:
        """Seconds for which the published set may be cached: a new key is in it in time."""
        return int((self._lead - self._fresh).total_seconds())

    async def public(self) -> dict[str, Any]:
        """The JWK set to publish: keys that will sign, that sign, and whose tokens still live."""
        now = self._clock()
        return {"keys": [key.public for key in _living(await self._keys(), now - self._life)]}

    async def sign(self, claims: Mapping[str, Any], *, typ: str = "JWT") -> str:
        """A signed JWT. In a thread: every signature takes its 0.7 ms of a core."""
        now = self._clock()
        stored = _signing(await self._keys(), now)
        header = {"alg": ALGORITHM, "kid": stored.kid, "typ": typ}
        return await asyncio.to_thread(self._sign, stored, header, dict(claims))

    async def rotate(self) -> str:
        """Publish a new key that signs from `lead` on; forget what is over. The new kid."""
        keys = await self._keys(again=True)
        now = self._clock()
        newest = keys[-1]
        if newest.active > now:  # one is on its way already
            return newest.kid
        kid = await self._add(newest.number + 1, now + self._lead)
        await self._store.remove_before(_living(keys, now - self._life)[0].number)
        await self._keys(again=True)
        return kid

    async def rotate_if_older(self, days: int) -> bool:
        """Rotate when the newest key has signed for that many days. To be called daily."""
        newest = (await self._keys(again=True))[-1]
        if self._clock() - newest.active < timedelta(days=days):
            return False
        await self.rotate()
        return True

    async def _keys(self, *, again: bool = False) -> list[StoredKey]:
        now = self._clock()
        if again or self._read is None or not self._known or now - self._read >= self._fresh:
            known = await self._store.all()
            if not known:
                await self._add(1, now)
                known = await self._store.all()
            self._known, self._read = known, now
        return self._known

    async def _add(self, number: int, active: datetime) -> str:
        """Make and store a key; that of another process, if it was quicker."""
        key = await asyncio.to_thread(self._generate)
        stored = StoredKey(number, str(key.kid), _published(key), self._close(key), active)
        if await self._store.add(stored):
            return stored.kid
        return next(one.kid for one in await self._store.all() if one.number == number)

    def _generate(self) -> RSAKey:
        return RSAKey.generate_key(self._bits, auto_kid=True)

    def _close(self, key: RSAKey) -> str:
        private = dumps(key.as_dict(private=True))
        if self._seal is None:
            return private.decode()
        header = {"alg": _SEALED[0], "enc": _SEALED[1], "kid": str(key.kid)}
        return jwe.encrypt_compact(header, private, self._seal, algorithms=list(_SEALED))

    def _open(self, stored: StoredKey) -> RSAKey:
        if stored.private.startswith("{"):
            return RSAKey.import_key(loads(stored.private))
        if self._seal is None:
            raise ValueError("The signing keys are sealed, and no seal is set.")
        opened = jwe.decrypt_compact(stored.private, self._seal, algorithms=list(_SEALED))
        return RSAKey.import_key(loads(opened.plaintext or b""))

    def _sign(self, stored: StoredKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
        if stored.kid not in self._opened:
            self._opened = {**self._opened, stored.kid: self._open(stored)}
        return jwt.encode(header, claims, self._opened[stored.kid], algorithms=[ALGORITHM])


def _living(keys: list[StoredKey], since: datetime) -> list[StoredKey]:
    """The keys that signed after `since` or will: all from the last one active by then."""
    over = [key.number for key in keys if key.active <= since]
    return [key for key in keys if not over or key.number >= over[-1]]


def _signing(keys: list[StoredKey], now: datetime) -> StoredKey:
    # The very first key may have been made by a process whose clock is ahead of ours.
    return ([key for key in keys if key.active <= now] or keys[:1])[-1]


def _published(key: RSAKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
