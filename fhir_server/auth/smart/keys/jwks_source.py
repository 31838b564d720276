"""The public keys of a client, registered inline or fetched from its `jwks_uri`.

SMART App Launch 2.2, client-confidential-asymmetric: a set by URL is kept no longer than its
Cache-Control says, and fetched again when a kid is not in it, which is how clients rotate keys.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.errors import InvalidClient
from fhir_server.auth.smart.keys.soundness import UnsoundKey, fits, usable_keys
from fhir_server.clock import Clock
from fhir_server.errors import FhirError, TooLarge
from fhir_server.resource import loads

Fetch = Callable[[str], Awaitable[tuple[bytes, Mapping[str, str]]]]
"""Body and headers of the 200 to a GET of the URL. Raises `FhirError` or `OSError` otherwise."""

_Key = dict[str, Any]
_USUAL_AGE = 300
_LONGEST_AGE = 24 * 3600
_LARGEST = 1024 * 1024
_BETWEEN_REFETCHES = timedelta(seconds=30)
_AFTER_FAILURE = timedelta(seconds=5)
_UNREADABLE = "The key set at the registered address cannot be read."
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,9})")


@dataclass
class _Cached:
    """What is known of one URL; when it last failed and was last `refetched` for an unknown kid."""

    keys: list[_Key] = field(default_factory=list)
    until: datetime | None = None
    failed: datetime | None = None
    refetched: datetime | None = None
    fetches: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class JwksSource:
    """Finds the key that an assertion of a client names."""

    def __init__(self, fetch: Fetch, *, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._cached: dict[tuple[str, str], _Cached] = {}

    async def find(self, client: Client, *, kid: str, alg: str) -> _Key:
        """The one sound key of the client for `kid` and `alg`.

        Raises `InvalidClient` when there is none or more than one.
        """
        if client.jwks_uri is None:
            return _only(_inline(client), kid, alg)
        cached = self._cached.setdefault((client.id, client.jwks_uri), _Cached())
        before = cached.fetches
        await self._refresh(client.jwks_uri, cached)
        if cached.fetches == before and not any(fits(key, kid, alg) for key in cached.keys):
            await self._refetch(client.jwks_uri, cached, before)
        return _only(cached.keys, kid, alg)

    async def _refresh(self, uri: str, cached: _Cached) -> None:
        """Fetch unless what we have is fresh; many who wait share one fetch."""
        seen = cached.fetches
        async with cached.lock:
            now = self._clock()
            if cached.fetches > seen or (cached.until is not None and now < cached.until):
                return
            if cached.failed is not None and now - cached.failed < _AFTER_FAILURE:
                raise InvalidClient(_UNREADABLE)
            await self._load(uri, cached, now)

    async def _refetch(self, uri: str, cached: _Cached, seen: int) -> None:
        """Fetch for an unknown kid, now and then: kids are chosen by whoever sends assertions."""
        async with cached.lock:
            now = self._clock()
            recent = cached.refetched and now - cached.refetched < _BETWEEN_REFETCHES
            if cached.fetches > seen or recent:
                return
            cached.refetched = now
            await self._load(uri, cached, now)

    async def _load(self, uri: str, cached: _Cached, now: datetime) -> None:
        """A failure leaves what is still fresh: anybody may cause a fetch by an unknown kid."""
        try:
            body, headers = await self._fetch(uri)
            if len(body) > _LARGEST:
                raise TooLarge("The key set is too large.")
            cached.keys = usable_keys(loads(body))
        except UnsoundKey as error:
            cached.failed, cached.until, cached.keys = now, None, []
            raise InvalidClient(str(error)) from None
        except (FhirError, OSError, ValueError):
            cached.failed = now
            raise InvalidClient(_UNREADABLE) from None
        cached.failed, cached.until = None, now + timedelta(seconds=age_allowed(headers))
        cached.fetches += 1


def age_allowed(headers: Mapping[str, str]) -> int:
    """Seconds for which a response may be kept. RFC 9111 5.2.2; 5 minutes if it does not say."""
    lower = {name.lower(): value for name, value in headers.items()}
    control = lower.get("cache-control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return 0
    said = _MAX_AGE.search(control)
    age = lower.get("age", "0")
    seconds = int(said[1]) if said else _USUAL_AGE
    return max(0, min(seconds, _LONGEST_AGE) - (int(age) if age.isascii() and age.isdigit() else 0))


def _inline(client: Client) -> list[_Key]:
    try:
        return usable_keys(client.jwks)
    except UnsoundKey as error:
        raise InvalidClient(str(error)) from None


def _only(keys: list[_Key], kid: str, alg: str) -> _Key:
    matching = [key for key in keys if fits(key, kid, alg)]
    if len(matching) != 1:
        amount = "no sound key" if not matching else "more than one key"
        raise InvalidClient(f"The client has {amount} of that kid for that algorithm.")
    return matching[0]
