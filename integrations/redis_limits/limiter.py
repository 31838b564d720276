"""Counts requests in Redis by sliding windows, so that all processes count together.

The window is the approximation of `limits.aio.strategies.SlidingWindowCounterRateLimiter`.
https://limits.readthedocs.io/en/stable/strategies.html#sliding-window-counter

Permits are taken from Redis in blocks of 1 % of the quota and spent from memory: a large quota
costs a request 4 microseconds on average, a small one is counted one by one. When Redis does not
answer, requests go on uncounted: a hospital rather has a server without limits than none.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from fhir_server.auth.rate_limits import Quota

_SHARE = 100
PATIENCE_SECONDS = 0.25
_AFTER_FAILURE_SECONDS = 5.0
_REFUSED_SECONDS = 1.0
"""Who is refused asks Redis once in this time, however often they come."""
_KEYS = 10_000
_log = structlog.get_logger("aimed.limits")


@dataclass
class _Purse:
    """What one key may still spend here without asking; times are of the monotonic clock."""

    permits: int = 0
    until: float = 0.0
    refused_until: float = 0.0
    room_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RedisLimiter:
    """Implements `fhir_server.auth.rate_limits.Limiter`. The caller closes `redis`.

    `now` is a monotonic clock in seconds, `patience` how long Redis may take for an answer.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str = "aimed:limits",
        now: Callable[[], float] | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._patience = patience
        storage = RedisStorage(
            "redis://",
            implementation="redispy",
            key_prefix=prefix,
            connection_pool=cast(Any, redis.connection_pool),
        )
        self._limits = SlidingWindowCounterRateLimiter(storage)
        self._now = now or time.monotonic
        self._purses: OrderedDict[tuple[str, str], _Purse] = OrderedDict()
        self._down_until = 0.0
        self._down = False

    async def wait(self, quota: Quota, key: str) -> float:
        """Count one request of `key`: 0 if `quota` has room, else the seconds until it has."""
        purse = self._purse(quota.name, key)
        decided = self._from(purse)
        if decided is None:
            async with purse.lock:
                decided = self._from(purse)
                if decided is None:
                    decided = await self._ask(purse, quota, key)
        return decided

    def _purse(self, name: str, key: str) -> _Purse:
        purse = self._purses.setdefault((name, key), _Purse())
        self._purses.move_to_end((name, key))
        if len(self._purses) > _KEYS:
            self._purses.popitem(last=False)
        return purse

    def _from(self, purse: _Purse) -> float | None:
        """The decision that needs no Redis, None if there is none."""
        now = self._now()
        if now < self._down_until:
            return 0.0
        if now < purse.refused_until:
            return purse.room_at - now
        if purse.permits and now < purse.until:
            purse.permits -= 1
            return 0.0
        return None

    async def _ask(self, purse: _Purse, quota: Quota, key: str) -> float:
        item = RateLimitItemPerSecond(quota.amount, quota.seconds, namespace=quota.name)
        # Account names and addresses are nobody's business in Redis.
        name = blake2b(key.encode(), digest_size=16).hexdigest()
        asked = asyncio.ensure_future(self._take(item, name))
        asked.add_done_callback(_retrieve)
        # Waited for rather than cancelled: redis-py 8.1 on Python 3.11 swallows cancellations.
        done, _ = await asyncio.wait({asked}, timeout=self._patience)
        if not done:
            return self._failed()
        try:
            permits, seconds = asked.result()
        except (RedisError, OSError):
            return self._failed()
        self._answered()
        now = self._now()
        if permits:
            # Unspent permits lapse, so that a caller who comes once in a while is not charged.
            purse.permits, purse.until = permits - 1, now + quota.seconds / 10
            return 0.0
        purse.refused_until, purse.room_at = now + _REFUSED_SECONDS, now + seconds
        return seconds

    async def _take(self, item: RateLimitItemPerSecond, name: str) -> tuple[int, float]:
        """The permits taken, or none and the seconds until there are some."""
        block = max(1, item.amount // _SHARE)
        for permits in dict.fromkeys((block, 1)):
            if await self._limits.hit(item, name, cost=permits):
                return permits, 0.0
        stats = await self._limits.get_window_stats(item, name)
        return 0, max(stats.reset_time - time.time(), 1.0)

    def _failed(self) -> float:
        self._down_until = self._now() + _AFTER_FAILURE_SECONDS
        if not self._down:
            _log.error("rate limits are off: Redis does not answer")
        self._down = True
        return 0.0

    def _answered(self) -> None:
        if self._down:
            _log.info("rate limits are on again")
        self._down = False


def _retrieve(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
