"""What an interaction is given and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from fhir_server.audit import Access, AuditTrail
from fhir_server.auth.caller import Caller
from fhir_server.auth.directives import DirectiveRegister, Directives
from fhir_server.errors import FhirError
from fhir_server.interactions.admission import Admission
from fhir_server.interactions.visibility import knows, may_refer
from fhir_server.labels import Label
from fhir_server.resource import Resource
from fhir_server.settings import FhirSettings
from fhir_server.store import MongoStore, StoredResource, UnitOfWork
from fhir_server.store.integrity import Judge
from fhir_server.store.locks import Overtaken

Result = TypeVar("Result")
Parameters = tuple[tuple[str, str], ...]
Ledger = list[Access]
"""Accesses of one transaction, still to be recorded."""

_ATTEMPTS = 5
"""Runs of one transaction that others overtake, beside the retries of pymongo on its conflicts."""


@dataclass(frozen=True)
class Server:
    """The long-lived parts that every request shares."""

    store: MongoStore
    audit: AuditTrail
    settings: FhirSettings
    cursor_key: bytes
    admission: Admission
    directives: DirectiveRegister


@dataclass(frozen=True)
class Context:
    """Who asks, and through which server. `base` is the absolute FHIR base URL without a slash.

    `directives` are those of patients when the request began.
    """

    server: Server
    caller: Caller
    base: str
    directives: Directives
    request_id: str | None = None
    address: str | None = None
    lenient: bool = False
    unit: UnitOfWork | None = None
    audit_reads: bool = True
    ledger: Ledger | None = None

    async def transact(self, body: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Run `body` in the enclosing transaction if there is one, else in its own.

        What it writes is sent together at its end and held to the referential integrity that is
        set, as far as the caller may know of what is referred to. When another transaction was
        quicker, `body` runs again, a few times at most.
        """
        if self.unit is not None:
            return await body(self.unit)
        rule = self.server.settings.referential_integrity

        async def grouped(unit: UnitOfWork) -> Result:
            checks = {"check_targets": rule == "on", "check_referrers": rule != "off"}
            inside = self.within(unit)
            judge = Judge(partial(may_refer, inside), partial(knows, inside))
            async with unit.grouped(**checks, base=self.base, judge=judge):
                return await body(unit)

        for _ in range(_ATTEMPTS - 1):
            with suppress(Overtaken):
                return await self.server.store.transact(grouped)
        return await self.server.store.transact(grouped)

    def within(self, unit: UnitOfWork, ledger: Ledger | None = None) -> Context:
        """The same context inside a transaction. With `ledger`, accesses are only noted there."""
        return replace(self, unit=unit, ledger=ledger if ledger is not None else self.ledger)

    async def refreshed(self) -> Context:
        """The same context with the directives as they are now, for what comes after a write."""
        return replace(self, directives=await self.server.directives.current())

    async def audit(self, access: Access, unit: UnitOfWork | None = None) -> None:
        """Record an access by this caller, and whose chart it was if the transaction knows."""
        unit = unit or self.unit
        patient = access.patient
        if unit is not None and patient is None and access.entities:
            patient = unit.patient_of(access.entities[0])
        if unit is not None and not access.labels:
            own = ((one, unit.labels_of(one)) for one in access.entities)
            access = replace(access, labels=tuple(pair for pair in own if pair[1]))
        full = replace(access, patient=patient, request_id=self.request_id, address=self.address)
        if self.ledger is not None:
            self.ledger.append(full)
        else:
            await self.server.audit.record(self.caller, full, unit)

    async def refused(self, request: FhirRequest, error: FhirError) -> None:
        """Record a refusal, unless whoever refused has done so."""
        if not error.audited:
            about = (f"{request.type}/{request.id}",) if request.type and request.id else ()
            await self.audit(Access(request.interaction, error.status, about))
            error.audited = True

    async def settle(self, ledger: Ledger) -> None:
        """Record what a ledger notes: one event for all accesses of a kind to one chart."""
        kinds: dict[Access, list[Access]] = {}
        for access in ledger:
            kinds.setdefault(replace(access, entities=(), labels=()), []).append(access)
        for access, alike in kinds.items():
            entities = tuple(name for one in alike for name in one.entities)
            labels = tuple(pair for one in alike for pair in one.labels)
            whole = replace(access, entities=entities, labels=labels)
            await replace(self, ledger=None).audit(whole)


@dataclass(frozen=True)
class FhirRequest:
    """One interaction as asked for. `body` is unparsed JSON.

    The body of a bundle's entry may come parsed, as `resource`, and the `id` of its create is the
    one that the transaction chose. Without `id`, `parameters` are the criteria of a conditional
    update, patch or delete. `operation` is the name, without the sign, of an operation that a
    bundle's entry calls by `method`.
    """

    interaction: str
    type: str | None = None
    id: str | None = None
    version: str | None = None
    body: bytes = b""
    parameters: Parameters = ()
    if_match: str | None = None
    if_none_exist: str | None = None
    prefer: str = ""
    content_type: str = ""
    if_none_match: str | None = None
    if_modified_since: str | None = None
    resource: Resource | None = None
    operation: str = ""
    method: str = ""


@dataclass(frozen=True)
class FhirResponse:
    """The outcome. `body` is FHIR JSON, empty for none; `stored` is the resource it is about.

    `patients` are those whose data is in the body, as `Patient/p1`, where an operation tells it.
    """

    status: int
    body: bytes = b""
    stored: StoredResource | None = None
    location: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    patients: tuple[str | None, ...] = ()


Handler = Callable[[FhirRequest, Context], Awaitable[FhirResponse]]


async def audited(
    context: Context,
    access: Access,
    work: Callable[[], Awaitable[Result]],
    patients: Callable[[Result], Iterable[str | None]] | None = None,
    labels: Callable[[Result], Mapping[str, tuple[Label, ...]]] | None = None,
) -> Result:
    """Run a read and record it, also when it was refused.

    `patients` are those of the result, `labels` those of `Access`.
    """
    try:
        result = await work()
    except FhirError as error:
        await context.audit(replace(access, outcome=error.status))
        error.audited = True
        raise
    if patients is not None:
        whose = dict.fromkeys(one for one in patients(result) if one is not None)
        access = replace(access, patients=tuple(whose))
    if labels is not None:
        own = tuple(pair for pair in labels(result).items() if pair[1])
        access = replace(access, labels=own)
    await context.audit(access)
    return result


async def recorded(
    context: Context, access: Access, body: Callable[[UnitOfWork], Awaitable[Result]]
) -> Result:
    """Run a write, which records itself in its transaction; a refusal is recorded after that."""
    try:
        return await context.transact(body)
    except FhirError as error:
        if context.unit is None:
            await context.audit(replace(access, outcome=error.status))
            error.audited = True
        raise
