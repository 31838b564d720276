"""Looking up the addresses of a host name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host name, the best first. Raises `OSError` when there are none."""


async def system_resolve(host: str) -> Sequence[str]:
    """As the machine resolves names, in the order of RFC 6724."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
