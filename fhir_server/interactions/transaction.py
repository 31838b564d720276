"""FHIR transaction and batch. https://hl7.org/fhir/R4/http.html#transaction

A transaction is one MongoDB transaction: DELETE, POST, PUT, then GET, whatever the order of the
entries. The fullUrls of new resources become their references everywhere they are named; so do
conditional references (`Patient?identifier=...`), and a conditional create or update that finds its
resource. A batch runs its entries one by one, each on its own.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fhir_server.audit import Access
from fhir_server.clock import Ids, instant
from fhir_server.errors import FhirError, InvalidResource, Malformed, PreconditionFailed
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.bundle_entries import ORDER, BundleEntry, entries_in
from fhir_server.interactions.bundle_references import conditional_in, references, rewritten
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, Handler, Ledger
from fhir_server.interactions.criteria import criteria_in, only_candidate
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.interactions.update import identity
from fhir_server.resource import Resource, dumps, loads
from fhir_server.search.guards import GUARDED
from fhir_server.store import UnitOfWork
from fhir_server.store.directives import DECIDING


class Transaction:
    """The handler of `POST [base]`. `handlers` are the interactions that entries may name."""

    def __init__(self, handlers: dict[str, Handler], ids: Ids) -> None:
        self._handlers = handlers
        self._ids = ids

    async def __call__(self, request: FhirRequest, context: Context) -> FhirResponse:
        """Answer a transaction-response or batch-response with one entry for each asked."""
        body = loads(request.body)
        limit = context.server.settings.bundle_entries
        entries = entries_in(body, context.base, limit, prefer=request.prefer)
        known = [entry for entry in entries if isinstance(entry, BundleEntry)]
        if body["type"] == "batch":
            responses = await self._each(entries, context)
        else:
            responses = await self._audited(known, context)
        return FhirResponse(200, bundle({"type": f"{body['type']}-response"}, responses))

    async def _each(
        self, entries: Sequence[BundleEntry | FhirError], context: Context
    ) -> list[Entry]:
        """Run a batch. What an entry decides about who sees what holds for those after it."""
        responses: list[Entry] = []
        for entry in entries:
            responses.append(await self._alone(entry, context))
            if isinstance(entry, BundleEntry) and entry.request.type in DECIDING:
                context = await context.refreshed()
        return responses

    async def _alone(self, entry: BundleEntry | FhirError, context: Context) -> Entry:
        try:
            if isinstance(entry, FhirError):
                raise entry
            return _answer(await self._run(entry, {}, {}, context), context)
        except FhirError as error:
            asked = FhirRequest("batch") if isinstance(entry, FhirError) else entry.request
            await context.refused(asked, error)
            outcome = operation_outcome(error.issues)
            return {"response": {"status": str(error.status), "outcome": outcome}}, b""

    async def _audited(self, entries: Sequence[BundleEntry], context: Context) -> list[Entry]:
        """Run a transaction. What it does is recorded in it; that it was refused, after it."""
        try:
            return await self._together(entries, context)
        except FhirError as error:
            about = [one.reference for one in entries if one.request.id is not None]
            access = Access("transaction", error.status, tuple(dict.fromkeys(about)))
            await context.audit(access)
            error.audited = True
            raise

    async def _together(self, entries: Sequence[BundleEntry], context: Context) -> list[Entry]:
        # Chosen before the transaction begins, so that a retry gives the same ids.
        made = {one.position: f"{one.request.type}/{self._ids()}" for one in entries if one.creates}

        async def body(unit: UnitOfWork) -> dict[int, Entry]:
            ledger: Ledger = []
            inside = context.within(unit, ledger)
            found = [await self._identified(entry, inside) for entry in entries]
            # One look for all that is changed, none for the ids made here.
            named = [one for one in found if one.request.type and one.request.id]
            await unit.prefetch(one.reference for one in named)
            unit.presume_new(made.values())
            _refuse_overlap(named)
            renamed = references(found, made)
            renamed |= await _conditional_references(found, inside)
            answers: dict[int, Entry] = {}
            for entry in sorted(found, key=_turn):
                if ORDER[entry.method] == ORDER["GET"]:
                    await unit.flush()
                response = await self._located(entry, renamed, made, inside)
                answers[entry.position] = _answer(response, inside)
            await inside.settle(ledger)
            return answers

        async with context.server.admission.of(len(entries)):
            answers = await context.transact(body)
        return [answers[entry.position] for entry in entries]

    async def _identified(self, entry: BundleEntry, context: Context) -> BundleEntry:
        """The entry with the resource that its criteria find, before anything is written."""
        request = entry.request
        try:
            if entry.creates and request.if_none_exist is not None:
                criteria = criteria_in(request.if_none_exist)
                there = await only_candidate(request.type or "", criteria, context, creates=True)
                return replace(entry, match=there.reference if there is not None else None)
            if request.interaction == "update" and request.id is None:
                resource = entry.resource or {}
                id = await identity(request.type or "", request, resource, context)
                known = replace(request, id=id, parameters=())
                return replace(entry, request=known, resource={**resource, "id": id})
        except FhirError as error:
            raise _at(error, entry.position) from None
        return entry

    async def _located(
        self,
        entry: BundleEntry,
        renamed: Mapping[str, str],
        made: Mapping[int, str],
        context: Context,
    ) -> FhirResponse:
        try:
            return await self._run(entry, renamed, made, context)
        except FhirError as error:
            raise _at(error, entry.position) from None

    async def _run(
        self,
        entry: BundleEntry,
        renamed: Mapping[str, str],
        made: Mapping[int, str],
        context: Context,
    ) -> FhirResponse:
        request = entry.request
        if entry.resource is not None:
            request = _carrying(entry, renamed)
        if entry.position in made:
            request = replace(request, id=made[entry.position].partition("/")[2])
        return await self._handlers[request.interaction](request, context)


def _turn(entry: BundleEntry) -> tuple[int, bool]:
    """When an entry is processed. A Binary is deleted before what guards it, and written after."""
    turn = ORDER[entry.method]
    binary = entry.request.type == GUARDED
    if binary and ORDER["DELETE"] < turn < ORDER["GET"]:
        return ORDER["PATCH"], True
    return turn, turn == ORDER["DELETE"] and not binary


def _refuse_overlap(entries: Sequence[BundleEntry]) -> None:
    seen: dict[str, int] = {}
    for entry in entries:
        if entry.method not in ("PUT", "PATCH", "DELETE"):
            continue
        reference = entry.reference
        if reference in seen:
            raise InvalidResource(
                f"Entries {seen[reference]} and {entry.position} both change {reference}.",
                expression=(f"Bundle.entry[{entry.position}]",),
            )
        seen[reference] = entry.position


async def _conditional_references(
    entries: Sequence[BundleEntry], context: Context
) -> dict[str, str]:
    """`Patient?identifier=...` in a reference, as the one resource that it finds."""
    found: dict[str, str] = {}
    for entry in entries:
        for text in conditional_in(entry.resource):
            if text in found:
                continue
            type = text.partition("?")[0]
            try:
                there = await only_candidate(type, criteria_in(text), context)
                if there is None:
                    raise PreconditionFailed(f"A conditional reference finds no {type}.")
            except FhirError as error:
                raise _at(error, entry.position) from None
            found[text] = there.reference
    return found


def _carrying(entry: BundleEntry, renamed: Mapping[str, str]) -> FhirRequest:
    """The entry's request with its resource, the references in it as they are now."""
    resource = entry.resource or {}
    if entry.method == "PATCH" and resource.get("resourceType") == "Binary":
        try:
            patch = base64.b64decode(resource.get("data", ""), validate=True)
        except (ValueError, TypeError):
            raise Malformed("The patch in a Binary must be base64.") from None
        return replace(entry.request, body=patch)
    if entry.request.operation:
        return replace(entry.request, body=dumps(rewritten(resource, renamed)))
    return replace(entry.request, resource=rewritten(resource, renamed))


def _answer(response: FhirResponse, context: Context) -> Entry:
    about: Resource = {"status": str(response.status)}
    if response.location:
        about["location"] = response.location
    members: Resource = {"response": about}
    if response.stored is not None:
        about["etag"] = response.stored.etag
        about["lastModified"] = instant(response.stored.last_updated)
        members["fullUrl"] = f"{context.base}/{response.stored.reference}"
    return members, response.body


def _at(error: FhirError, position: int) -> FhirError:
    prefix = f"Bundle.entry[{position}]"
    located = type(error).__new__(type(error))
    FhirError.__init__(
        located,
        str(error),
        issues=tuple(
            type(issue)(
                issue.code,
                f"Entry {position}: {issue.diagnostics}",
                issue.severity,
                tuple(f"{prefix}.resource.{path}" for path in issue.expression) or (prefix,),
            )
            for issue in error.issues
        ),
        headers=error.headers,
    )
    return located
