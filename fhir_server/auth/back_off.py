"""Guessing passwords is slowed down: pauses that double, by account and by network address.

Nobody is locked out for good: the longest pause is a quarter of an hour, so to keep somebody from
signing in takes an attacker's constant presence. OWASP ASVS 5.0 V6.3.1.
"""

from __future__ import annotations

from datetime import timedelta

from fhir_server.clock import Clock
from fhir_server.errors import RateLimited
from fhir_server.store.failures import FailureStore

FREE = {"account": 5, "address": 30}
"""Failures in a row without a pause. Behind one address there may be a whole ward."""

LONGEST = timedelta(minutes=15)


class BackOff:
    """Decides whether a try counts, and what a failure costs."""

    def __init__(self, failures: FailureStore, *, clock: Clock) -> None:
        self._failures = failures
        self._clock = clock

    async def check(self, username: str, address: str | None) -> None:
        """Raise `RateLimited` during a pause, whether the password would be right or not."""
        now = self._clock()
        until = await self._failures.blocked_until(_keys(username, address), now)
        if until is not None:
            seconds = _seconds(until - now)
            raise RateLimited(
                f"There were too many failed attempts: try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )

    async def begin(self, username: str, address: str | None) -> None:
        """Let a try be judged that counts as a failure of the account until `succeeded`.

        So many at once are no better than one after another. Raises `RateLimited` as `check`.
        """
        await self.check(username, address)
        now, key = self._clock(), _keys(username, None)[0]
        pause = pause_after(await self._failures.add(key, now), FREE["account"])
        if pause and not await self._failures.take(key, now, now + pause):
            await self.check(username, address)

    async def wrong(self, address: str | None) -> None:
        """Count against the address what `begin` has counted against the account."""
        if address is not None:
            await self._count(_address(address))

    async def failed(self, username: str, address: str | None) -> None:
        """Count a failure; from the sixth in a row on, each pause is twice as long."""
        for key in _keys(username, address):
            await self._count(key)

    async def succeeded(self, username: str) -> None:
        """Forget the failures of the account. Those of the address stay: it may guess others."""
        await self._failures.clear(_keys(username, None)[0])

    async def _count(self, key: str) -> None:
        now = self._clock()
        count = await self._failures.add(key, now)
        pause = pause_after(count, FREE[key.partition(":")[0]])
        if pause:
            await self._failures.pause(key, now + pause)


def pause_after(count: int, free: int) -> timedelta:
    """None for the free ones, then 1 s, 2 s, 4 s and so on."""
    if count < free:
        return timedelta()
    return min(timedelta(seconds=2 ** min(count - free, 20)), LONGEST)


def _keys(username: str, address: str | None) -> tuple[str, ...]:
    account = f"account:{username.lower()}"
    return (account,) if address is None else (account, _address(address))


def _address(address: str) -> str:
    return f"address:{address}"


def _seconds(pause: timedelta) -> int:
    return int(pause.total_seconds()) + 1
