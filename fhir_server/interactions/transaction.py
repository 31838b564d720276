"""FHIR transaction and batch. https://hl7.org/fhir/R4/http.html#transaction

A transaction is one MongoDB transaction: DELETE, POST, PUT, then GET, whatever the order of the
entries. The fullUrls of new resources become their references everywhere they are named; so do
conditional references (`Patient?identifier=...`), and a conditional create or update that finds its
resource. A batch runs its entries one by one, each on its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from fhir_server.clock import Ids, instant
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import (
    FhirError,
    InvalidResource,
    Malformed,
    NotSupported,
    PreconditionFailed,
    TooLarge,
)
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, Handler, Ledger
from fhir_server.interactions.criteria import criteria_in, only_candidate
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.interactions.update import identity
from fhir_server.resource import Resource, dumps, loads
from fhir_server.store import UnitOfWork

_LINK = re.compile(r"urn:(uuid|oid):[0-9A-Za-z.\-]+")
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3}


@dataclass(frozen=True)
class _Entry:
    position: int
    method: str
    request: FhirRequest
    resource: Resource | None
    full_url: str | None
    match: str | None = None


class Transaction:
    """The handler of `POST [base]`. `handlers` are the interactions that entries may name."""

    def __init__(self, handlers: dict[str, Handler], ids: Ids) -> None:
        self._handlers = handlers
        self._ids = ids

    async def __call__(self, request: FhirRequest, context: Context) -> FhirResponse:
        """Answer a transaction-response or batch-response with one entry for each asked."""
        body = loads(request.body)
        entries = _entries(body, context.server.settings.bundle_entries)
        if body["type"] == "batch":
            responses = [await self._alone(entry, context) for entry in entries]
        else:
            responses = await self._together(entries, context)
        return FhirResponse(200, bundle({"type": f"{body['type']}-response"}, responses))

    async def _alone(self, entry: _Entry, context: Context) -> Entry:
        try:
            return _answer(await self._run(entry, {}, {}, context), context)
        except FhirError as error:
            outcome = operation_outcome(error.issues)
            return {"response": {"status": str(error.status), "outcome": outcome}}, b""

    async def _together(self, entries: Sequence[_Entry], context: Context) -> list[Entry]:
        # Chosen before the transaction begins, so that a retry gives the same ids.
        made = {entry.position: self._reference(entry) for entry in entries}

        async def body(unit: UnitOfWork) -> dict[int, Entry]:
            ledger: Ledger = []
            inside = context.within(unit, ledger)
            found = [await self._identified(entry, inside) for entry in entries]
            # One look for all that is changed, none for the ids made here.
            await unit.prefetch(made[one.position] for one in found if one.method != "POST")
            unit.presume_new(made[one.position] for one in found if one.method == "POST")
            _refuse_overlap(found)
            references = _references(found, made)
            references |= await _conditional_references(found, inside)
            answers: dict[int, Entry] = {}
            for entry in sorted(found, key=lambda entry: _ORDER[entry.method]):
                if entry.method == "GET":
                    await unit.flush()
                response = await self._located(entry, references, made, inside)
                answers[entry.position] = _answer(response, inside)
            await inside.settle(ledger)
            return answers

        answers = await context.transact(body)
        return [answers[entry.position] for entry in entries]

    async def _identified(self, entry: _Entry, context: Context) -> _Entry:
        """The entry with the resource that its criteria find, before anything is written."""
        request = entry.request
        try:
            if entry.method == "POST" and request.if_none_exist is not None:
                criteria = criteria_in(request.if_none_exist)
                there = await only_candidate(request.type or "", criteria, context, creates=True)
                return replace(entry, match=there.reference if there is not None else None)
            if entry.method == "PUT" and request.id is None:
                resource = entry.resource or {}
                id = await identity(request.type or "", request, resource, context)
                known = replace(request, id=id, parameters=())
                return replace(entry, request=known, resource={**resource, "id": id})
        except FhirError as error:
            raise _at(error, entry.position) from None
        return entry

    async def _located(
        self, entry: _Entry, references: dict[str, str], made: dict[int, str], context: Context
    ) -> FhirResponse:
        try:
            return await self._run(entry, references, made, context)
        except FhirError as error:
            raise _at(error, entry.position) from None

    async def _run(
        self, entry: _Entry, references: dict[str, str], made: dict[int, str], context: Context
    ) -> FhirResponse:
        request = entry.request
        if entry.resource is not None:
            request = replace(request, body=_body(entry, references))
        if entry.method == "POST" and entry.position in made:
            request = replace(request, id=made[entry.position].partition("/")[2])
        return await self._handlers[request.interaction](request, context)

    def _reference(self, entry: _Entry) -> str:
        if entry.method == "POST":
            return f"{entry.request.type}/{self._ids()}"
        return f"{entry.request.type}/{entry.request.id}"


def _entries(body: Any, limit: int) -> list[_Entry]:
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise Malformed("The base address takes a Bundle.", expression=("resourceType",))
    if body.get("type") not in ("transaction", "batch"):
        raise Malformed(
            "The base address takes a Bundle of type transaction or batch.",
            expression=("Bundle.type",),
        )
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise Malformed("Bundle.entry must be a list.", expression=("Bundle.entry",))
    if len(entries) > limit:
        raise TooLarge(f"A bundle here has at most {limit} entries; this one has {len(entries)}.")
    return [_parse(position, entry) for position, entry in enumerate(entries)]


def _parse(position: int, entry: Any) -> _Entry:
    where = f"Bundle.entry[{position}]"
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise Malformed("Every entry needs a request.", expression=(where,))
    method, url = request.get("method"), request.get("url")
    if method not in _ORDER or not isinstance(url, str):
        raise NotSupported(
            "An entry's request needs a url and one of the methods GET, POST, PUT, DELETE.",
            expression=(f"{where}.request",),
        )
    resource, full_url = entry.get("resource"), entry.get("fullUrl")
    if (method in ("POST", "PUT", "PATCH")) != isinstance(resource, dict):
        raise Malformed(
            "POST, PUT and PATCH carry a resource; GET and DELETE do not.", expression=(where,)
        )
    return _Entry(
        position,
        method,
        _request(method, url, request, where),
        resource if isinstance(resource, dict) else None,
        full_url if isinstance(full_url, str) else None,
    )


def _request(method: str, url: str, request: Resource, where: str) -> FhirRequest:
    path, _, query = url.partition("?")
    parts = path.strip("/").split("/")
    interaction = _interaction(method, parts)
    if interaction is None:
        raise NotSupported(
            f"{method} on this address is not an interaction.", expression=(f"{where}.request.url",)
        )
    return FhirRequest(
        interaction=interaction,
        type=parts[0],
        id=logical_id(parts[1]) if len(parts) > 1 else None,
        version=parts[3] if len(parts) == 4 else None,
        parameters=tuple(parse_qsl(query, keep_blank_values=True)),
        if_match=request.get("ifMatch"),
        if_none_exist=request.get("ifNoneExist"),
        if_none_match=request.get("ifNoneMatch"),
        if_modified_since=request.get("ifModifiedSince"),
    )


def _interaction(method: str, parts: list[str]) -> str | None:
    shape = (method, len(parts), parts[2:3] == ["_history"])
    return {
        ("POST", 1, False): "create",
        ("PUT", 1, False): "update",
        ("PUT", 2, False): "update",
        ("PATCH", 1, False): "patch",
        ("PATCH", 2, False): "patch",
        ("DELETE", 1, False): "delete",
        ("DELETE", 2, False): "delete",
        ("GET", 1, False): "search-type",
        ("GET", 2, False): "read",
        ("GET", 3, True): "history-instance",
        ("GET", 4, True): "vread",
    }.get(shape)


def _refuse_overlap(entries: Sequence[_Entry]) -> None:
    seen: dict[str, int] = {}
    for entry in entries:
        if entry.method not in ("PUT", "PATCH", "DELETE") or entry.request.id is None:
            continue
        reference = f"{entry.request.type}/{entry.request.id}"
        if reference in seen:
            raise InvalidResource(
                f"Entries {seen[reference]} and {entry.position} both change {reference}.",
                expression=(f"Bundle.entry[{entry.position}]",),
            )
        seen[reference] = entry.position


def _references(entries: Sequence[_Entry], made: dict[int, str]) -> dict[str, str]:
    """What each fullUrl becomes. A relative reference means the fullUrl that ends like it."""
    found: dict[str, str] = {}
    for entry in entries:
        if not entry.full_url:
            continue
        own = f"{entry.request.type}/{entry.request.id}"
        reference = entry.match or (made[entry.position] if entry.method == "POST" else own)
        if found.setdefault(entry.full_url, reference) != reference:
            raise InvalidResource(
                "Two entries have the same fullUrl.",
                expression=(f"Bundle.entry[{entry.position}].fullUrl",),
            )
        tail = "/".join(entry.full_url.rsplit("/", 2)[-2:])
        if entry.method == "POST" and entry.full_url.startswith("http") and tail.count("/") == 1:
            found[tail] = reference
    return found


async def _conditional_references(entries: Sequence[_Entry], context: Context) -> dict[str, str]:
    """`Patient?identifier=...` in a reference, as the one resource that it finds."""
    found: dict[str, str] = {}
    for entry in entries:
        for text in _conditional_in(entry.resource):
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


def _conditional_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for member in value:
            yield from _conditional_in(member)
    elif isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and reference.partition("?")[0] in resource_types():
            yield reference
        for member in value.values():
            if isinstance(member, dict | list):
                yield from _conditional_in(member)


def _body(entry: _Entry, references: dict[str, str]) -> bytes:
    resource = entry.resource or {}
    if entry.method == "PATCH" and resource.get("resourceType") == "Binary":
        try:
            return base64.b64decode(resource.get("data", ""), validate=True)
        except ValueError:
            raise Malformed("The patch in a Binary must be base64.") from None
    return dumps(_rewrite(resource, references))


def _rewrite(value: Any, references: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _rewrite(member, references) for name, member in value.items()}
    if isinstance(value, list):
        return [_rewrite(member, references) for member in value]
    if isinstance(value, str):
        if value in references:
            return references[value]
        if "<" in value and "urn:" in value:  # a link of the narrative
            return _LINK.sub(lambda link: references.get(link[0], link[0]), value)
    return value


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
