"""A connection before its first byte: who it is from is looked at, then TLS is spoken, or not.

The servers of asyncio tell neither of a handshake that failed nor of whose it was.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

READ_LIMIT = 512 * 1024
_HANDSHAKE_SECONDS = 10.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Arrival(asyncio.Protocol):
    """A connection of which nothing is read yet."""

    def __init__(self, arrived: Callable[[asyncio.Transport], None]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold it, and tell of it."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._arrived(transport)


async def opened(transport: asyncio.Transport, context: ssl.SSLContext | None) -> Streams:
    """Its streams. Raises `OSError` when the handshake fails; then it is closed."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(READ_LIMIT, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    if context is not None:
        secured = await loop.start_tls(
            transport,
            protocol,
            context,
            server_side=True,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        )
        if secured is None:
            raise ConnectionResetError
        transport = secured
        protocol.connection_made(transport)
    else:
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def shown_name(transport: asyncio.WriteTransport) -> str:
    """The common name of the certificate that the peer showed; empty without one."""
    shown = transport.get_extra_info("peercert") or {}
    parts = dict(pair for group in shown.get("subject", ()) for pair in group)
    return str(parts.get("commonName", ""))
