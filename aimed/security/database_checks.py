"""What the databases show: whether they let anybody in, and whether the clocks agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from aimed.security.finding import Finding, judged
from aimed.settings import Settings
from fhir_server.clock import Clock
from fhir_server.store.exposure import lets_anybody_in, server_time

TOLERATED = timedelta(seconds=5)
"""A code of an authenticator app is good for 30 s, a key's assertion for minutes."""


async def check_databases(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Look at both databases. Raises what the clients raise when one does not answer."""
    yield _door("MongoDB", await lets_anybody_in(settings.mongo_uri))
    yield _door("Redis", await _redis_lets_anybody_in(settings.redis_uri))
    yield _clocks("MongoDB", await _apart(server_time(settings.mongo_uri), clock))
    yield _clocks("Redis", await _apart(_redis_time(settings.redis_uri), clock))


def _door(name: str, open: bool) -> Finding:
    return judged(
        not open,
        f"{name} door",
        "nobody comes in without a password.",
        "anybody comes in without a password: turn its access control on.",
    )


def _clocks(name: str, apart: timedelta) -> Finding:
    return judged(
        apart <= TOLERATED,
        f"{name} clock",
        "agrees with ours.",
        f"is {apart.total_seconds():.0f} s off ours: synchronise both by NTP.",
    )


async def _apart(asked: Awaitable[datetime], clock: Clock) -> timedelta:
    """How far theirs is from what passed here meanwhile: a late answer is no wrong clock."""
    before = clock()
    theirs = await asked
    return max(before - theirs, theirs - clock(), timedelta())


async def _redis_lets_anybody_in(uri: str) -> bool:
    parts = urlsplit(uri)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    redis = Redis.from_url(bare)
    try:
        await redis.dbsize()
    except (AuthenticationError, NoPermissionError, ResponseError):
        return False
    finally:
        await redis.aclose()
    return True


async def _redis_time(uri: str) -> datetime:
    redis = Redis.from_url(uri)
    try:
        seconds, micro = await redis.time()
    finally:
        await redis.aclose()
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micro)
