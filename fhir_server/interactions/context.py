"""What an interaction is given and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from fhir_server.audit import Access, AuditTrail
from fhir_server.auth.caller import Caller
from fhir_server.errors import FhirError
from fhir_server.settings import FhirSettings
from fhir_server.store import MongoStore, StoredResource, UnitOfWork

Result = TypeVar("Result")
Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Server:
    """The long-lived parts that every request shares."""

    store: MongoStore
    audit: AuditTrail
    settings: FhirSettings
    cursor_key: bytes


@dataclass(frozen=True)
class Context:
    """Who asks, and through which server. `base` is the absolute FHIR base URL without a slash."""

    server: Server
    caller: Caller
    base: str
    request_id: str | None = None
    address: str | None = None
    lenient: bool = False
    unit: UnitOfWork | None = None
    audit_reads: bool = True

    async def transact(self, body: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Run `body` in the enclosing transaction if there is one, else in its own."""
        if self.unit is not None:
            return await body(self.unit)
        return await self.server.store.transact(body)

    def within(self, unit: UnitOfWork) -> Context:
        """The same context inside a transaction."""
        return replace(self, unit=unit)

    async def audit(self, access: Access, unit: UnitOfWork | None = None) -> None:
        """Record an access by this caller."""
        full = replace(access, request_id=self.request_id, address=self.address)
        await self.server.audit.record(self.caller, full, unit or self.unit)


@dataclass(frozen=True)
class FhirRequest:
    """One interaction as asked for. `body` is unparsed JSON; `path` is relative to the base."""

    interaction: str
    type: str | None = None
    id: str | None = None
    version: str | None = None
    body: bytes = b""
    parameters: Parameters = ()
    if_match: str | None = None
    if_none_exist: str | None = None
    prefer: str = ""


@dataclass(frozen=True)
class FhirResponse:
    """The outcome. `body` is FHIR JSON, empty for none; `stored` is the resource it is about."""

    status: int
    body: bytes = b""
    stored: StoredResource | None = None
    location: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[FhirRequest, Context], Awaitable[FhirResponse]]


async def audited(
    context: Context, access: Access, work: Callable[[], Awaitable[Result]]
) -> Result:
    """Run a read and record it, also when it was refused."""
    try:
        result = await work()
    except FhirError as error:
        await context.audit(replace(access, outcome=error.status))
        raise
    await context.audit(access)
    return result
