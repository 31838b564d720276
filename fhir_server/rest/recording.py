"""Recording what happened at the edge: sign-ins, grants, registrations, changes of accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request

from fhir_server.audit import Access
from fhir_server.auth.caller import Caller
from fhir_server.auth.smart.errors import OAuthError
from fhir_server.errors import FhirError
from fhir_server.rest.caller import address_of, fhir_of, request_id_of


async def record(
    request: Request,
    caller: Caller | None,
    interaction: str,
    outcome: int = 200,
    *,
    entities: tuple[str, ...] = (),
    patient: str | None = None,
    query: str | None = None,
    reason: str | None = None,
    way: str | None = None,
    remark: str | None = None,
) -> None:
    """Store an AuditEvent of a request that is no FHIR interaction. See `audit.Access`."""
    access = Access(
        interaction,
        outcome,
        entities=entities,
        patient=patient,
        query=query,
        # A pattern with a closed list of entities has no room for the request's id.
        request_id=None if interaction == "token" else request_id_of(request),
        address=address_of(request),
        reason=reason,
        way=way,
        remark=remark,
    )
    await fhir_of(request).server.audit.record(caller, access)


@asynccontextmanager
async def refusals_recorded(noted: Callable[[int], Awaitable[None]]) -> AsyncIterator[None]:
    """Tell `noted` the status of what is refused inside: secrets and ids are guessed."""
    try:
        yield
    except (OAuthError, FhirError) as error:
        await noted(error.status)
        raise
