"""Loopback ports: finding a free one, and saying that one is taken."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

from aimed.embedded.errors import StackError

_FIRST = 15_000
_CONNECTIONS = 32_768
"""From here on Linux gives ports to connections, unless told otherwise, and others from 49,152 on:
https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range)."""
_ATTEMPTS = 100


def free_port(host: str = "127.0.0.1", *, below: Callable[[int], int] = secrets.randbelow) -> int:
    """A port that is free now. Nothing reserves it, but no outgoing connection is given it either.

    What listens on it may so be started later, and again after a crash. Of the 28,000 ports that
    the system gives to connections, each connection of a starting stack may take the one chosen.
    `below` gives a random number from 0 up to its argument, without it.
    """
    for _ in range(_ATTEMPTS):
        port = _FIRST + below(_CONNECTIONS - _FIRST)
        if _is_free(host, port):
            return port
    with _listener(host) as listener:
        listener.bind((host, 0))
        given: int = listener.getsockname()[1]
        return given


def _is_free(host: str, port: int) -> bool:
    try:
        with _listener(host) as listener:
            listener.bind((host, port))
    except OSError:
        return False
    return True


def require_free(host: str, port: int) -> None:
    """Raise `StackError` when nothing can listen on `host:port`."""
    try:
        with _listener(host) as listener:
            listener.bind((host, port))
    except PermissionError:
        raise StackError(
            f"Port {port} may not be used by this account: choose one above 1023 with --port."
        ) from None
    except OSError:
        raise StackError(
            f"Port {port} on {host} is in use: stop what uses it, or choose another with --port."
        ) from None


def _listener(host: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # As the servers do: a port whose last connections are in TIME_WAIT counts as free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return listener
