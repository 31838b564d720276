"""Refusals of /api in the audit trail, as those of FHIR are. 45 CFR 164.312(b)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from fhir_server.audit import Access
from fhir_server.auth.caller import Caller
from fhir_server.errors import FhirError, RateLimited
from fhir_server.interactions.body import ID
from fhir_server.rest.caller import address_of, fhir_of, request_id_of
from fhir_server.rest.identity.token_first import Answering, TokenFirst


class RefusalsRecorded(TokenFirst):
    """A route that records who was turned away, by the caller that `note_caller` was told of."""

    def get_route_handler(self) -> Answering:
        """The usual handler. Floods are not recorded: each would be a write."""
        usual = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await usual(request)
            except FhirError as error:
                if not isinstance(error, RateLimited):
                    await _record(request, error)
                raise

        return answer


def note_caller(request: Request, caller: Caller) -> None:
    """Say who sends the request, before anything is refused to them."""
    request.state.caller = caller


async def _record(request: Request, error: FhirError) -> None:
    caller: Caller | None = getattr(request.state, "caller", None)
    access = Access(
        _interaction(request),
        error.status,
        entities=_about(request),
        request_id=request_id_of(request),
        address=address_of(request),
    )
    await fhir_of(request).server.audit.record(caller, access)


def _interaction(request: Request) -> str:
    if request.method == "GET":
        return "read"
    return "update" if "id" in request.path_params else "create"


def _about(request: Request) -> tuple[str, ...]:
    id = request.path_params.get("id", "")
    type = "DetectedIssue" if request.url.path.startswith("/api/alerts/") else "Encounter"
    return (f"{type}/{id}",) if ID.fullmatch(id) else ()
