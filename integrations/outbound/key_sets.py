"""Fetching the key sets of clients. RFC 7517."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_server.auth.smart.keys.jwks_source import Fetch
from fhir_server.errors import Unavailable
from integrations.outbound.client import GuardedClient

_ACCEPT = {"Accept": "application/jwk-set+json, application/json"}


def key_set_fetch(client: GuardedClient) -> Fetch:
    """Fetches with `client`; whatever is no 200 is `Unavailable`."""

    async def fetch(url: str) -> tuple[bytes, Mapping[str, str]]:
        answer = await client.send("GET", url, headers=_ACCEPT)
        if answer.status != 200:
            raise Unavailable("The key set's server does not answer with a key set.")
        return answer.body, answer.headers

    return fetch
