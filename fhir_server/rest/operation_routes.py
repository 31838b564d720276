"""Addresses of operations: `$name` behind the base, a type, an instance or one of its versions.

https://hl7.org/fhir/R4/operations.html. To be mounted before the other FHIR routes, which would
take `$name` for an id. Four routes stand for all: which operation there is, where, and by which
method, the table of operations says.
"""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.clock import Ids
from fhir_server.interactions.registry import Interaction, Level
from fhir_server.operations.invocation import Operations
from fhir_server.operations.registry import operations
from fhir_server.operations.request import CODE
from fhir_server.rest.routes import _endpoint

_PLACES: tuple[tuple[Level, str], ...] = (
    ("system", "/${operation}"),
    ("type", "/{type}/${operation}"),
    ("instance", "/{type}/{id}/${operation}"),
    ("instance", "/{type}/{id}/_history/{version}/${operation}"),
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def operation_router(ids: Ids) -> APIRouter:
    """All operations, to be mounted under the FHIR base."""
    router = APIRouter()
    offered = Operations(operations(ids))
    for level, path in _PLACES:

        async def endpoint(request: Request, level: Level = level, path: str = path) -> Response:
            handler = partial(offered.invoke, request.path_params["operation"], request.method)
            # Nothing sent needs no Content-Type: as with GET there is no body to read.
            method = request.method if _has_body(request) else "GET"
            return await _endpoint(Interaction(CODE, level, method, path, handler))(request)

        router.add_route(path, endpoint, methods=_METHODS, name=CODE)
    return router


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
