"""The HTTP client for addresses that others name: OWASP ASVS 5.0 V1.3.6, against SSRF.

A name is resolved once, every address of it is checked, and the connection goes to a checked
address with the name as Host and SNI: there is no second look-up that could give another answer.
Redirects are not followed, cookies not kept, and neither proxies nor credentials are read from the
environment. The time limit holds from the look-up to the last byte.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import cast

import httpx2
import structlog

from fhir_server.errors import NotPermitted, Unavailable
from integrations.outbound.addresses import Address
from integrations.outbound.allow_list import AllowList, is_name
from integrations.outbound.decoding import CODINGS, read
from integrations.outbound.resolver import Resolve, system_resolve
from integrations.outbound.settings import OutboundSettings

_CONNECT_SECONDS = 2.0
"""For one address of several: a server whose IPv6 is broken is reached by IPv4 in time."""
_DEFAULT_PORTS = {"https": 443, "http": 80}
_log = structlog.get_logger("aimed.outbound")


@dataclass(frozen=True)
class Answer:
    """A whole answer, whatever its status; `body` is decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GuardedClient:
    """Calls public hosts, and internal ones that the settings list."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, settings: OutboundSettings, resolve: Resolve
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._resolve = resolve
        self._allowed = AllowList(settings.internal_hosts)

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """One request and its answer.

        Raises `NotPermitted` for an address that is not called, `TooLarge` for too large an answer
        and `Unavailable` for everything else that goes wrong; none of them repeats the address.
        """
        try:
            async with asyncio.timeout(self._settings.seconds):
                target, host = self._target(url)
                addresses = await self._addresses(host)
                return await self._send(method, target, host, addresses, headers, content)
        except (httpx2.HTTPError, OSError, TimeoutError):
            raise Unavailable("The other server does not answer.") from None

    def _target(self, url: str) -> tuple[httpx2.URL, str]:
        """The parsed address and its host without a final dot."""
        try:
            target = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise _refused("address") from None
        if target.scheme != "https" and not (target.scheme == "http" and self._settings.plain_http):
            raise _refused("scheme")
        if target.userinfo:
            raise _refused("credentials")
        port = _DEFAULT_PORTS[target.scheme] if target.port is None else target.port
        if port not in self._settings.ports:
            raise _refused("port")
        return target, target.host.removesuffix(".")

    async def _addresses(self, host: str) -> list[Address]:
        """Every address of `host`, each checked: one that is refused refuses all."""
        literal = _literal(host)
        if literal is None and not is_name(host):
            raise _refused("host")
        found = [literal] if literal else [ip_address(one) for one in await self._resolve(host)]
        if not found or not all(self._allowed.permits(host, one) for one in found):
            raise _refused("network")
        return found

    async def _send(
        self,
        method: str,
        target: httpx2.URL,
        host: str,
        addresses: Sequence[Address],
        headers: Mapping[str, str],
        content: bytes,
    ) -> Answer:
        given = {**headers, "Host": target.netloc.decode("ascii"), "Accept-Encoding": CODINGS}
        given |= {"Connection": "close", "User-Agent": "aimed"}
        extensions: dict[str, object] = {"timeout": {"connect": _CONNECT_SECONDS}}
        if _literal(host) is None:
            extensions["sni_hostname"] = host
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            there = target.copy_with(host=str(address), fragment=None)
            request = httpx2.Request(
                method, there, headers=given, content=content or None, extensions=extensions
            )
            try:
                return await self._exchange(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if last == 0:
                    raise
        raise AssertionError("a host has at least one address")

    async def _exchange(self, request: httpx2.Request) -> Answer:
        response = await self._transport.handle_async_request(request)
        try:
            coding = response.headers.get("content-encoding", "").strip().lower()
            chunks = cast(httpx2.AsyncByteStream, response.stream).__aiter__()
            body = await read(chunks, coding, self._settings.largest)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, body)


@asynccontextmanager
async def open_guarded_client(
    settings: OutboundSettings, resolve: Resolve = system_resolve
) -> AsyncIterator[GuardedClient]:
    """The client with the machine's network, for as long as the context lasts."""
    context: ssl.SSLContext = httpx2.create_ssl_context(trust_env=False)
    if settings.authorities is not None:
        context.load_verify_locations(settings.authorities)
    # A kept connection belongs to an address, not to the name that its certificate was checked for.
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=0)
    transport = httpx2.AsyncHTTPTransport(
        verify=context, trust_env=False, http1=True, http2=False, limits=limits
    )
    async with transport:
        yield GuardedClient(transport, settings, resolve)


def _literal(host: str) -> Address | None:
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return None if isinstance(found, IPv6Address) and found.scope_id else found


def _refused(reason: str) -> NotPermitted:
    _log.warning("outgoing call refused", reason=reason)
    return NotPermitted("This server does not call that address.")
