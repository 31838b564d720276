"""What can be told of addresses: whether they stay on the machine, whether they are everybody's."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from aimed.security.finding import Level

_WIDEST = 16
"""Shortest prefix of an IPv4 network that is still a part of one's own network."""


def is_here(host: str) -> bool:
    """Whether a host that is spoken to is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.endswith(".sock")


def is_wide(entry: str) -> bool:
    """Whether an address or network of a list is nearly everybody."""
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        return "*" in entry
    # An IPv6 site has a prefix of 48 bits, some three times that of a private IPv4 network.
    return network.prefixlen < (_WIDEST if network.version == 4 else 3 * _WIDEST)


def away(hosts: list[str]) -> Level:
    """How bad it is to speak to hosts without TLS that are not this machine.

    A name without a dot is a container's or a pod's: mostly, but not surely, on this machine.
    """
    return "fault" if any("." in one or ":" in one for one in hosts) else "warning"
