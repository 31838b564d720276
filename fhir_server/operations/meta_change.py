"""$meta-add and $meta-delete: change profiles, tags and security labels alone.

https://hl7.org/fhir/R4/resource-operation-meta-add.html and .../resource-operation-meta-delete.html

A change makes a new version. The definitions up to STU 3 said that it should not; R4's say nothing
of versions, and here an ETag stands for the very bytes and history is never rewritten. Adding what
is there or deleting what is not changes nothing and makes no version. A label of confidentiality or
sensitivity is taken away by roles that declassify alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhir_server.auth.access import permit
from fhir_server.auth.policy import may_declassify
from fhir_server.errors import FhirError, NotPermitted
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.interactions.visibility import knows, require
from fhir_server.labels.lattice import is_protected, label_of
from fhir_server.operations.meta import LABELS, answer, identity
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork

Change = Callable[[list[Any], list[Any]], list[Any]]
"""From the labels there and the labels given to those that stay."""


async def meta_add(request: OperationRequest, context: Context) -> FhirResponse:
    """Add labels; one that is there already, by its identity, stays as it is."""
    return await _change(request, context, _added)


async def meta_delete(request: OperationRequest, context: Context) -> FhirResponse:
    """Delete labels; one that is not there is no error."""
    return await _change(request, context, _deleted)


async def _change(request: OperationRequest, context: Context, change: Change) -> FhirResponse:
    type, id = request.type or "", request.id or ""
    permit(context.caller, type, "update")
    given = request.parameters.complex("meta", "Meta")
    lowers = change is _deleted and any(
        is_protected(label_of(one)) for one in given.get("security", ())
    )
    if lowers and not may_declassify(context.caller.roles):
        raise NotPermitted("Your role does not take security labels away.")

    async def body(unit: UnitOfWork) -> FhirResponse:
        inside = context.within(unit)
        before = await unit.read(type, id)
        await require(inside, before, "u")
        resource = await context.server.store.whole(before)
        changed = _changed(resource, given, change)
        stored = (
            before
            if changed is None
            else await unit.update(changed, if_match=before.version, relabel=lowers)
        )
        await context.audit(request.access, unit)
        # Who may change and not read is not told what else is there.
        told = await knows(inside, stored)
        return answer(stored.resource().get("meta", {})) if told else FhirResponse(200)

    try:
        return await context.transact(body)
    except FhirError as error:
        if context.unit is None:
            await context.audit(replace(request.access, outcome=error.status))
            error.audited = True
        raise


def _changed(resource: Resource, given: Resource, change: Change) -> Resource | None:
    """The resource with other labels, None when they are the same."""
    before = resource.get("meta", {})
    after = {member: value for member, value in before.items() if member not in LABELS}
    for member in LABELS:
        labels = change(before.get(member, []), given.get(member, []))
        if labels:
            after[member] = labels
    return None if after == before else {**resource, "meta": after}


def _added(there: list[Any], given: list[Any]) -> list[Any]:
    known = {identity(label) for label in there}
    new = {identity(label): label for label in given if identity(label) not in known}
    return [*there, *new.values()]


def _deleted(there: list[Any], given: list[Any]) -> list[Any]:
    unwanted = {identity(label) for label in given}
    return [label for label in there if identity(label) not in unwanted]
