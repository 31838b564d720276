"""Who this server is to authenticators. WebAuthn level 3, 4 (RP ID) and 5.1.

A passkey belongs to a host name, never to an IP address. Without a public address set the only name
that leads here for certain is `localhost`, on any port.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fhir_server.errors import NotSupported

_LOCAL = "localhost"


@dataclass(frozen=True)
class RelyingParty:
    """`id` is the host name that passkeys belong to, `origins` the pages that may use them."""

    id: str
    origins: tuple[str, ...]


def relying_party(public_url: str, reached: str) -> RelyingParty:
    """The relying party of a request. `reached` is the address at which the caller found us.

    Raises `NotSupported` where passkeys cannot work.
    """
    origin = public_url or reached
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if not public_url and host != _LOCAL:
        raise NotSupported(
            "Passkeys work at http://localhost, or at the address that an operator sets as "
            "AIMED_PUBLIC_URL."
        )
    if _is_number(host):
        raise NotSupported("Passkeys need a host name: AIMED_PUBLIC_URL has none.")
    return RelyingParty(host, (f"{parts.scheme}://{parts.netloc}",))


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
