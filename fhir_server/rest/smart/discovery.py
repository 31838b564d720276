"""The metadata documents. They answer JSON whatever Accept says, to any origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.smart.discovery import (
    Addresses,
    resource_metadata,
    server_metadata,
    smart_configuration,
)
from fhir_server.resource import dumps
from fhir_server.rest.smart.form import addresses_of

_PUBLIC = {"Cache-Control": "public, max-age=300"}
_DOCUMENTS: dict[str, Callable[[Addresses], dict[str, Any]]] = {
    "/fhir/.well-known/smart-configuration": smart_configuration,
    "/fhir/.well-known/openid-configuration": server_metadata,
    "/.well-known/smart-configuration": smart_configuration,
    "/.well-known/openid-configuration": server_metadata,
    "/.well-known/oauth-authorization-server": server_metadata,
    "/.well-known/oauth-protected-resource": resource_metadata,
    "/.well-known/oauth-protected-resource/fhir": resource_metadata,
}


def discovery_router() -> APIRouter:
    """The routes of all documents."""
    router = APIRouter()
    for path, document in _DOCUMENTS.items():
        router.add_api_route(path, _answering(document), methods=["GET"], name=path)
    router.add_api_route("/auth/smart-style.json", _style, methods=["GET"])
    return router


def _answering(document: Callable[[Addresses], dict[str, Any]]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return _json(document(addresses_of(request)))

    return answer


async def _style() -> Response:
    """http://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#styling"""
    return _json(
        {
            "color_background": "#ffffff",
            "color_error": "#b3261e",
            "color_highlight": "#0b6e6e",
            "color_success": "#1b6e3c",
            "dim_border_radius": "6px",
            "dim_font_size": "15px",
            "font_family_body": "system-ui, sans-serif",
            "font_family_heading": "system-ui, sans-serif",
        }
    )


def _json(document: dict[str, Any]) -> Response:
    return Response(dumps(document), headers=_PUBLIC, media_type="application/json")
