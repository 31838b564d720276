"""A second factor: passkeys, codes of an authenticator app (RFC 6238) and recovery codes.

OWASP ASVS 5.0 V6.5: every code counts once, recovery codes are kept as hashes, and a code is good
for its own 30 s and those before and after, for clocks that differ.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass

import pyotp

from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import InvalidParameter, NotAuthenticated, VersionConflict
from fhir_server.store.accounts import Account
from fhir_server.store.factor_removal import FactorRemoval
from fhir_server.store.passkeys import PasskeyStore
from fhir_server.store.second_factors import SecondFactorStore

CODES = 10
"""Recovery codes of one set."""

_STEP = 30
_AROUND = (0, -1, 1)
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 6, 4
"""24 signs of 5 bits: from 112 bits on a plain hash will do to keep them. ASVS 5.0 V6.5.2."""


@dataclass(frozen=True)
class Offer:
    """A seed to enter into an authenticator app, and the same as an otpauth address."""

    secret: str
    uri: str


class SecondFactor:
    """Setting up, checking and removing; passkeys are made and checked in `identity.passkeys`.

    `random` gives that many random bytes. An account with one of the roles `required` cannot lose
    its last factor.
    """

    def __init__(
        self,
        store: SecondFactorStore,
        passkeys: PasskeyStore,
        removal: FactorRemoval,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
        issuer: str,
        required: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._passkeys = passkeys
        self._removal = removal
        self._required = frozenset(required)
        self._clock = clock
        self._random = random
        self._issuer = issuer

    async def factors(self, username: str) -> tuple[str, ...]:
        """What the account can answer with: `passkey`, `totp`, `recovery`, or nothing."""
        found = await self._store.find(username)
        passkey = ("passkey",) if await self._passkeys.of_subject(username) else ()
        if not found.seed:
            return passkey
        return (*passkey, "totp", "recovery") if found.recovery else (*passkey, "totp")

    def is_required(self, account: Account) -> bool:
        """Whether a role of the account needs a second factor."""
        return not self._required.isdisjoint(account.roles)

    async def recovery_codes_left(self, username: str) -> int:
        """How many recovery codes are unused."""
        return len((await self._store.find(username)).recovery)

    async def offer(self, username: str) -> Offer:
        """A fresh seed of 160 bits, which counts once `confirm` has seen a code of it."""
        seed = base64.b32encode(self._random(20)).decode("ascii")
        await self._store.offer(username, seed)
        uri = pyotp.TOTP(seed).provisioning_uri(name=username, issuer_name=self._issuer)
        return Offer(seed, uri)

    async def confirm(self, username: str, code: str) -> list[str]:
        """Accept the offered seed; returns the recovery codes, which are seen this once."""
        pending = (await self._store.find(username)).pending
        step = self._step_of(pending, code) if pending else None
        if step is None:
            raise NotAuthenticated("This code is not right; see whether the phone's clock is.")
        codes = self._codes()
        if not await self._store.accept(username, pending, step, [_kept(one) for one in codes]):
            raise VersionConflict("Another set-up was begun meanwhile.")
        return codes

    async def renew_recovery_codes(self, username: str) -> list[str]:
        """A new set; the old one is void. Raises `InvalidParameter` for who has no app."""
        if not (await self._store.find(username)).seed:
            raise InvalidParameter("Set up an authenticator app first.")
        codes = self._codes()
        await self._store.renew_recovery(username, [_kept(one) for one in codes])
        return codes

    async def check(self, username: str, code: str) -> bool:
        """Whether it is a code of the app or a recovery code; either is spent by it."""
        found = await self._store.find(username)
        if not found.seed:
            return False
        step = self._step_of(found.seed, code)
        if step is not None:
            return await self._store.spend_step(username, step)
        return await self._store.spend_recovery(username, _kept(code))

    async def remove_app(self, account: Account) -> None:
        """Forget app and recovery codes. Raises `NotPermitted` for the last factor where one is
        required.
        """
        await self._removal.app(account.username, keep_one=self.is_required(account))

    async def remove_passkey(self, account: Account, id: str) -> None:
        """Forget a passkey. As `remove_app`; `ResourceNotFound` when there is no such one."""
        await self._removal.passkey(account.username, id, keep_one=self.is_required(account))

    async def forget(self, username: str) -> None:
        """Forget every second factor of the account, by an administrator."""
        await self._store.remove(username)
        await self._passkeys.remove_all(username)

    def _step_of(self, seed: str, code: str) -> int | None:
        digits = code.replace(" ", "")
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            return None
        now = int(self._clock().timestamp()) // _STEP
        app = pyotp.TOTP(seed)
        for near in _AROUND:
            if hmac.compare_digest(app.generate_otp(now + near), digits):
                return now + near
        return None

    def _codes(self) -> list[str]:
        return [self._code() for _ in range(CODES)]

    def _code(self) -> str:
        """120 random bits in groups that can be read out."""
        signs = [_ALPHABET[one % len(_ALPHABET)] for one in self._random(_GROUPS * _GROUP)]
        text = "".join(signs)
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def _kept(code: str) -> str:
    return hashed("".join(sign for sign in code.upper() if sign in _ALPHABET))
