"""Our key set over HTTP. RFC 7517; OpenID Discovery."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.smart.keys.signing import SigningKeys
from fhir_server.resource import dumps

PATH = "/auth/jwks"


def jwks_router(keys_of: Callable[[Request], SigningKeys]) -> APIRouter:
    """GET /auth/jwks. `keys_of` finds the signing keys of the application behind a request."""

    async def jwks(request: Request) -> Response:
        keys = keys_of(request)
        headers = {"Cache-Control": f"public, max-age={keys.max_age}"}
        return Response(dumps(await keys.public()), 200, headers, "application/json")

    router = APIRouter()
    router.add_api_route(PATH, jwks, methods=["GET", "HEAD"], name="jwks", response_model=None)
    return router
