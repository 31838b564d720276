"""Which client sends a request to the token, introspection or revocation endpoint.

RFC 6749 2.3 (secrets), RFC 7521 and 7523 with SMART App Launch 2.2 (assertions); public clients
name themselves and prove nothing, which is why PKCE is asked of them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus

from fhir_server.auth.smart.clients.assertion import ASSERTION_TYPE, Assertion, read, verify
from fhir_server.auth.smart.clients.client import Client, ClientStore
from fhir_server.auth.smart.clients.credentials import has_secret
from fhir_server.auth.smart.errors import InvalidClient, InvalidRequest
from fhir_server.auth.smart.keys.jwks_source import JwksSource
from fhir_server.clock import Clock
from fhir_server.store.smart.assertions import AssertionStore


class ClientAuthentication:
    """Finds the client behind a request, by the one method that it is registered for."""

    def __init__(
        self, clients: ClientStore, assertions: AssertionStore, jwks: JwksSource, *, clock: Clock
    ) -> None:
        self._clients = clients
        self._assertions = assertions
        self._jwks = jwks
        self._clock = clock

    async def authenticate(
        self, authorization: str | None, form: Mapping[str, str], *audiences: str
    ) -> Client:
        """The client, active and proven. `audiences` are the server's names, absolute URLs.

        Raises `InvalidClient`; `InvalidRequest` when two methods are used at once.
        """
        # RFC 6749 3.2: a parameter without a value counts as left out.
        sent = {name: value for name, value in form.items() if value}
        _check_one_method(authorization, sent)
        if authorization is not None:
            return await self._by_basic(authorization, sent.get("client_id"))
        if "client_assertion" in sent or "client_assertion_type" in sent:
            return await self._by_assertion(sent, audiences)
        if "client_secret" in sent:
            return await self._by_post(sent)
        client = await self._active(sent.get("client_id"))
        if client.method != "none":
            raise InvalidClient("This client has to authenticate.", basic=True)
        return client

    async def _by_basic(self, authorization: str, claimed: str | None) -> Client:
        id, secret = _basic(authorization)
        if claimed not in (None, id):
            raise InvalidClient("client_id and Authorization name two clients.", basic=True)
        try:
            client = await self._active(id)
        except InvalidClient as error:
            raise InvalidClient(error.description, basic=True) from None
        right = has_secret(client, secret, self._clock())
        if client.method != "client_secret_basic" or not right:
            raise InvalidClient(_WRONG, basic=True)
        return client

    async def _by_post(self, sent: Mapping[str, str]) -> Client:
        client = await self._active(sent.get("client_id"))
        right = has_secret(client, sent["client_secret"], self._clock())
        if client.method != "client_secret_post" or not right:
            raise InvalidClient(_WRONG)
        return client

    async def _by_assertion(self, sent: Mapping[str, str], audiences: tuple[str, ...]) -> Client:
        if sent.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidClient(f"client_assertion_type is {ASSERTION_TYPE}.")
        if "client_assertion" not in sent:
            raise InvalidClient("The client_assertion is missing.")
        assertion = read(sent["client_assertion"])
        if sent.get("client_id", assertion.client_id) != assertion.client_id:
            raise InvalidClient("client_id and the assertion name two clients.")
        client = await self._active(assertion.client_id)
        if client.method != "private_key_jwt":
            raise InvalidClient("This client is not registered for assertions.")
        await self._prove(client, assertion, audiences)
        return client

    async def _prove(
        self, client: Client, assertion: Assertion, audiences: tuple[str, ...]
    ) -> None:
        """The claims are read first: they cost nothing, a foreign key set may."""
        ends = assertion.check(audiences, self._clock())
        if assertion.jku is not None and assertion.jku != client.jwks_uri:
            raise InvalidClient("The assertion's jku is not the registered jwks_uri.")
        key = await self._jwks.find(client, kid=assertion.kid, alg=assertion.alg)
        verify(assertion, key)
        if not await self._assertions.use(client.id, assertion.jti, ends):
            raise InvalidClient("The assertion was used before: each has a jti of its own.")

    async def _active(self, id: str | None) -> Client:
        if id is None:
            raise InvalidClient("The request names no client.")
        client = await self._clients.find(id)
        if client is None or client.status != "active":
            raise InvalidClient("There is no such client, or it is not active.")
        return client


_WRONG = "The client's secret is wrong, has expired, or was sent in another way than registered."


def _check_one_method(authorization: str | None, sent: Mapping[str, str]) -> None:
    used = (
        authorization is not None,
        "client_secret" in sent,
        "client_assertion" in sent or "client_assertion_type" in sent,
    )
    if sum(used) > 1:
        raise InvalidRequest("Authenticate in one way only: RFC 6749 section 2.3.")


def _basic(authorization: str) -> tuple[str, str]:
    """Id and secret, which RFC 6749 2.3.1 has form-encoded inside of HTTP Basic."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("Clients use HTTP Basic in Authorization.", basic=True)
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidClient("Authorization is no HTTP Basic.", basic=True) from None
    id, colon, secret = pair.partition(":")
    if not colon or not id or not secret:
        raise InvalidClient("Authorization lacks the client's id or secret.", basic=True)
    return unquote_plus(id), unquote_plus(secret)
