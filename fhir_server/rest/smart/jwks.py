"""Key sets over HTTP: ours published, those of clients fetched. RFC 7517; OpenID Discovery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx2
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.smart.keys.jwks_source import Fetch
from fhir_server.auth.smart.keys.signing import SigningKeys
from fhir_server.errors import TooLarge, Unavailable
from fhir_server.resource import dumps

PATH = "/auth/jwks"
_SECONDS = 5
_LARGEST = 1024 * 1024


def jwks_router(keys_of: Callable[[Request], SigningKeys]) -> APIRouter:
    """GET /auth/jwks. `keys_of` finds the signing keys of the application behind a request."""

    async def jwks(request: Request) -> Response:
        keys = keys_of(request)
        headers = {"Cache-Control": f"public, max-age={keys.max_age}"}
        return Response(dumps(await keys.public()), 200, headers, "application/json")

    router = APIRouter()
    router.add_api_route(PATH, jwks, methods=["GET", "HEAD"], name="jwks", response_model=None)
    return router


def plain_fetch(client: httpx2.AsyncClient) -> Fetch:
    """Fetches key sets with `client`: 5 seconds and 1 MB at most, no redirects.

    It goes wherever the address leads; what guards against inner addresses takes its place.
    """

    async def fetch(url: str) -> tuple[bytes, Mapping[str, str]]:
        try:
            async with asyncio.timeout(_SECONDS):
                return await _get(client, url)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError):
            raise Unavailable("The key set's server does not answer.") from None

    return fetch


async def _get(client: httpx2.AsyncClient, url: str) -> tuple[bytes, Mapping[str, str]]:
    headers = {"Accept": "application/jwk-set+json, application/json"}
    body = bytearray()
    async with client.stream("GET", url, headers=headers, follow_redirects=False) as answer:
        if answer.status_code != 200:
            raise Unavailable("The key set's server does not answer with a key set.")
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST:
                raise TooLarge("The key set is over 1 MB.")
        return bytes(body), answer.headers
