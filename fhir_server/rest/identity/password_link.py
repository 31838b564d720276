"""POST /auth/password/link: setting a password by a link that an administrator has given out, or
by the continuation of a sign-in that has to set another one first.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.auth.identity.password_policy import WeakPassword
from fhir_server.errors import NotAuthenticated
from fhir_server.resource import dumps
from fhir_server.rest.admin.bodies import NewPassword
from fhir_server.rest.caller import address_of, fhir_of
from fhir_server.rest.recording import record
from fhir_server.rest.smart.errors import NO_STORE


def password_link_router() -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/auth/password")
    router.add_api_route("/link", _set, methods=["POST"], response_model=None)
    return router


async def _set(sent: NewPassword, request: Request) -> Response:
    credentials = fhir_of(request).administration.credentials
    try:
        await credentials.set_by_link(sent.token, sent.password, address_of(request))
    except WeakPassword as error:
        body = {"error": "weak_password", "error_description": str(error)}
        return Response(dumps(body), 400, NO_STORE, "application/json")
    except NotAuthenticated as error:
        if not error.audited:
            await record(request, None, "credentials", error.status)
        raise
    return Response(status_code=204, headers=NO_STORE)
