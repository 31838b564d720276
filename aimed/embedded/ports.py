"""Loopback ports: finding a free one, and saying that one is taken."""

from __future__ import annotations

import socket

from aimed.embedded.errors import StackError


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free now. The caller takes it at once: nothing reserves it."""
    with _listener(host) as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


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
