"""The hosts inside the organisation that an operator lets this server call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network

from integrations.outbound.addresses import Address, Network, is_private, is_public

_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


def is_name(host: str) -> bool:
    """Whether `host`, in lower case, is a host name.

    Not one that resolvers read as a number: `2130706433`, `0x7f.1` and `0177.0.0.1` all are
    127.0.0.1 to inet_aton (WHATWG URL 3.5, ends in a number).
    """
    return _NAME.fullmatch(host) is not None and not _NUMBER.fullmatch(host.rpartition(".")[2])


class AllowList:
    """Names and networks. A name may lead to private addresses only, a network to all of its own.

    Raises `ValueError` for what is neither.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for entry in entries:
            if is_name(entry.lower()):
                self._names.add(entry.lower())
            else:
                self._networks.append(ip_network(entry))

    def permits(self, host: str, address: Address) -> bool:
        """Whether `address`, one of those of `host`, may be called."""
        if is_public(address):
            return True
        if host in self._names and is_private(address):
            return True
        return any(
            address.version == network.version and address in network for network in self._networks
        )
