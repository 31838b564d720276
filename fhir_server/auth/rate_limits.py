"""How many requests are too many: quotas by address, account and application, and route class.

They keep one caller from taking the server away from the others. Guessing a password costs much
more, in `fhir_server.auth.back_off`. OWASP API4:2023; ASVS 5.0 V2.4.1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from fhir_server.auth.caller import Caller
from fhir_server.errors import RateLimited
from fhir_server.settings import RateLimitSettings

_AUTH_CLASSES = (
    ("sign_in", re.compile(r"/auth/login(/.*)?")),
    ("token", re.compile(r"/auth/(token|introspect|revoke)")),
    ("authorize", re.compile(r"/auth/(authorize|launches|grants)(/.*)?")),
    ("registration", re.compile(r"/auth/register(/.*)?")),
    ("password_reset", re.compile(r"/auth/(password|reset|recovery)([/_-].*)?")),
)
_FHIR_CLASSES = (
    ("export", re.compile(r"/fhir/(.*/)?\$(document|everything|export|reindex)")),
    ("search", re.compile(r"/fhir(/[A-Za-z]+(/[^/]+)?)?/(_search|_history)|/fhir(/[A-Za-z]*)?")),
)
_UNCOUNTED = re.compile(r"/health/.*")
_SECONDS = 60


@dataclass(frozen=True)
class Quota:
    """`amount` requests in any `seconds`."""

    name: str
    amount: int
    seconds: int = _SECONDS


class Limiter(Protocol):
    """Counts requests over all processes."""

    async def wait(self, quota: Quota, key: str) -> float:
        """Count one request of `key`: 0 if `quota` has room, else the seconds until it has."""
        ...


class Unlimited:
    """Counts nothing: for a server without Redis, and a command that serves nobody."""

    async def wait(self, quota: Quota, key: str) -> float:
        """There is always room."""
        return 0.0


class RateLimits:
    """Which quotas a request falls under. Each method raises `RateLimited` when one is used up."""

    def __init__(self, limiter: Limiter, settings: RateLimitSettings) -> None:
        self._limiter = limiter
        self._amounts = settings.amounts() if settings.enabled else {}

    async def arrived(self, method: str, path: str, address: str | None) -> None:
        """Count a request by the peer's address, before anything is known of the caller.

        `method` is that of HTTP, or `WEBSOCKET`.
        """
        if address is None or method == "OPTIONS" or _UNCOUNTED.fullmatch(path):
            return
        key = f"address:{network_of(address)}"
        await self._count("address", key)
        name = "socket" if method == "WEBSOCKET" else _class(_AUTH_CLASSES, path)
        if name is not None:
            await self._count(name, key)

    async def known(self, caller: Caller, method: str, path: str) -> None:
        """Count a request by whose token it brings, and by the application that holds the token."""
        account = f"account:{caller.subject or caller.reference}"
        await self._count("account", account)
        if caller.client:
            await self._count("client", f"client:{caller.client}")
        name = _class(_FHIR_CLASSES, path)
        if name == "export" or (name == "search" and (method != "POST" or "/_search" in path)):
            await self._count(name, account)

    async def authenticated(self, client: str) -> None:
        """Count a token request by the application that has proved who it is."""
        await self._count("token", f"client:{client}")

    async def _count(self, name: str, key: str) -> None:
        amount = self._amounts.get(name, 0)
        if not amount:
            return
        quota = Quota(name, amount)
        seconds = await self._limiter.wait(quota, key)
        if seconds > 0:
            raise _refusal(quota, math.ceil(seconds))


def network_of(address: str) -> str:
    """What stands for the peer: of IPv6 the /64, all of which is one customer's (RFC 6177)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return address


def _class(classes: tuple[tuple[str, re.Pattern[str]], ...], path: str) -> str | None:
    return next((name for name, pattern in classes if pattern.fullmatch(path)), None)


def _refusal(quota: Quota, seconds: int) -> RateLimited:
    """With the fields of draft-ietf-httpapi-ratelimit-headers-10."""
    headers = {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"{quota.name}";q={quota.amount};w={quota.seconds}',
        "RateLimit": f'"{quota.name}";r=0;t={seconds}',
    }
    return RateLimited(f"There are too many requests: try again in {seconds} s.", headers=headers)
