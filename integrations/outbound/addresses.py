"""Which IP addresses are public. IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6890.

`ipaddress.is_global` alone is not enough: of Python 3.11.7 it calls multicast, 6to4, NAT64 to
127.0.0.1, site-local and the new documentation addresses global.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_NEVER = (
    IPv4Network("168.63.129.16/32"),  # Azure's platform address, inside every virtual machine
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata is among them
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
)
_V6_NEVER = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo with a v4 address inside
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4, with a v4 address inside
    IPv6Network("3fff::/20"),
)
_PRIVATE: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)
_METADATA = (IPv4Address("100.100.100.200"), IPv6Address("fd00:ec2::254"))
"""Of Alibaba Cloud and AWS: inside private ranges, and never a hospital's server."""


def is_public(address: Address) -> bool:
    """Whether `address` is a host on the open Internet, and cannot lead anywhere else."""
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and not any(address in network for network in _V4_NEVER)
        )
    if address.scope_id is not None:
        return False
    if address in _NAT64:  # where only IPv6 is spoken, this is how v4 hosts look
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return (
        address in _UNICAST
        and address.is_global
        and not any(address in network for network in _V6_NEVER)
    )


def is_private(address: Address) -> bool:
    """Whether `address` is one that organisations use inside: RFC 1918, RFC 4193, RFC 6598."""
    return address not in _METADATA and any(
        address.version == network.version and address in network for network in _PRIVATE
    )
