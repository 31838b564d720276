"""What the provider says of itself, and its keys. OpenID Connect Discovery 1.0, RFC 8414."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from fhir_server.auth.smart.keys.soundness import UnsoundKey, fits, usable_keys
from fhir_server.clock import Clock
from integrations.openid_provider.exchange import Exchange

_WELL_KNOWN = "/.well-known/openid-configuration"
_KEPT = timedelta(minutes=10)
_BETWEEN_REFETCHES = timedelta(seconds=30)


@dataclass(frozen=True)
class Metadata:
    """The addresses that are needed. `names_itself` says that answers carry `iss` (RFC 9207)."""

    authorization: str
    token: str
    keys: str
    names_itself: bool


class Discovery:
    """Fetches both documents and keeps them for ten minutes."""

    def __init__(self, exchange: Exchange, issuer: str, *, clock: Clock) -> None:
        self._exchange = exchange
        self._issuer = issuer
        self._clock = clock
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, list[dict[str, Any]]] | None = None

    async def metadata(self) -> Metadata:
        """The provider's addresses. Raises `Unavailable`."""
        if self._metadata is None or self._clock() - self._metadata[0] >= _KEPT:
            document = await self._exchange.get(self._issuer.rstrip("/") + _WELL_KNOWN)
            self._metadata = (self._clock(), self._read(document))
        return self._metadata[1]

    async def key(self, kid: str, alg: str) -> dict[str, Any] | None:
        """The one sound public key of that kid for that algorithm. Raises `Unavailable`.

        For an unknown kid the set is fetched again, now and then: providers rotate keys.
        """
        keys = await self._kept_keys(_KEPT)
        if not any(fits(one, kid, alg) for one in keys):
            keys = await self._kept_keys(_BETWEEN_REFETCHES)
        found = [one for one in keys if fits(one, kid, alg)]
        return found[0] if len(found) == 1 else None

    async def _kept_keys(self, age: timedelta) -> list[dict[str, Any]]:
        if self._keys is None or self._clock() - self._keys[0] >= age:
            document = await self._exchange.get((await self.metadata()).keys)
            try:
                self._keys = (self._clock(), usable_keys(document))
            except UnsoundKey:
                raise self._exchange.silent() from None
        return self._keys[1]

    def _read(self, document: Mapping[str, Any]) -> Metadata:
        """Raises `Unavailable` for another issuer's document: the names must be letter by letter
        the same (Discovery 4.3).
        """
        if document.get("issuer") != self._issuer:
            raise self._exchange.silent()
        return Metadata(
            authorization=self._address(document, "authorization_endpoint"),
            token=self._address(document, "token_endpoint"),
            keys=self._address(document, "jwks_uri"),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, document: Mapping[str, Any], name: str) -> str:
        """An address that is no less protected than the issuer's own."""
        found = document.get(name)
        if not isinstance(found, str):
            raise self._exchange.silent()
        try:
            scheme = urlsplit(found).scheme
        except ValueError:
            scheme = ""
        if scheme != "https" and scheme != urlsplit(self._issuer).scheme:
            raise self._exchange.silent()
        return found
