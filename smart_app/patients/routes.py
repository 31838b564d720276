"""GET /api/patients/present: who is here, for the dashboard. docs/architecture.md"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.interactions.context import Context
from fhir_server.resource import dumps
from fhir_server.rest.caller import address_of, caller_of, fhir_of, request_id_of
from smart_app.patients.present import present, revision


def patients_router() -> APIRouter:
    """The routes under /api/patients."""
    router = APIRouter(prefix="/api/patients")
    router.add_api_route("/present", _present, methods=["GET"], response_model=None)
    return router


async def _present(request: Request) -> Response:
    """`{"present": [...]}` with an ETag; 304 while nothing that it is made of was written."""
    context = await _context(request)
    etag = f'W/"{await revision(context)}"'
    headers = {"ETag": etag, "Cache-Control": "no-store"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    body = dumps({"present": await present(context)})
    return Response(body, media_type="application/json", headers=headers)


async def _context(request: Request) -> Context:
    caller, server = await caller_of(request), fhir_of(request).server
    return Context(
        server,
        caller,
        "",
        await server.directives.current(caller.directives),
        request_id=request_id_of(request),
        address=address_of(request),
    )
