"""Which web pages may open a socket. RFC 6455 section 10.2, OWASP ASVS 5.0 V4.4.2.

CORS does not apply to WebSockets: any page may open one, and a browser says in Origin which page
it is. Programs that are no browsers send none and need a token like everybody.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.websockets import WebSocket

_PORTS = {"http": 80, "https": 443}


def may_open(socket: WebSocket, listed: Collection[str]) -> bool:
    """Whether the page is this server's own, one of `listed`, or no page at all.

    A page over TLS may open a socket without: a proxy may have taken the TLS off on the way.
    """
    origins = socket.headers.getlist("origin")
    if not origins:
        return True
    if len(origins) > 1:
        return False
    return origins[0] in listed or _is_own(origins[0], socket)


def _is_own(origin: str, socket: WebSocket) -> bool:
    scheme, _, _ = origin.partition("://")
    if scheme not in _PORTS or (socket.scope.get("scheme") == "wss" and scheme != "https"):
        return False
    page = _place(origin, scheme)
    return page is not None and page == _place(f"//{socket.headers.get('host', '')}", scheme)


def _place(address: str, scheme: str) -> tuple[str, int] | None:
    """Host and port, the port that goes with `scheme` when there is none."""
    try:
        parts = urlsplit(address)
        return (parts.hostname, parts.port or _PORTS[scheme]) if parts.hostname else None
    except ValueError:
        return None
