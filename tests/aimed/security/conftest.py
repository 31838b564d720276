"""A Redis that asks for a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

PASSWORD = "f8Zq2mN4"


@pytest.fixture
def shut_redis(redis_uri: str) -> Iterator[Callable[[], str]]:
    """Shuts the run's Redis when called and tells its address; it is opened again afterwards."""
    named = redis_uri.replace("redis://", f"redis://:{PASSWORD}@")

    def shut() -> str:
        with Redis.from_url(redis_uri) as redis:
            redis.config_set("requirepass", PASSWORD)
        return named

    yield shut
    with Redis.from_url(named) as redis:
        redis.config_set("requirepass", "")
