"""Composition/$document: the document that a Composition stands for.

https://hl7.org/fhir/R4/composition-operation-document.html and
https://hl7.org/fhir/R4/documents.html#content

What the Composition itself refers to has to be in the document; what those resources refer to in
turn may be and is, as far as it is here and the caller may read it. The Bundle is answered as it
is: a search Bundle around it, of which the operation's description speaks, has no place in the
operation's one result.
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_server.auth.access import permit
from fhir_server.clock import Ids, instant
from fhir_server.errors import (
    InvalidParameter,
    InvalidResource,
    Issue,
    NotSupported,
    TooCostly,
)
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.interactions.create import store_new
from fhir_server.interactions.read import body_of
from fhir_server.operations.reading import current, literal, may_read
from fhir_server.operations.references import as_local, literal_references, local_references
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import Resource, loads
from fhir_server.store import StoredResource

_TYPE = "Composition"
_DIRECT = ("subject", "encounter", "author", "attester", "custodian", "event", "section")
"""The elements whose references a document has to hold (documents.html)."""


@dataclass(frozen=True)
class Document:
    """The handler. `ids` gives UUIDs, for the document's own identifier."""

    ids: Ids

    async def __call__(self, request: OperationRequest, context: Context) -> FhirResponse:
        """Answer a Bundle of type document; with `persist` it is stored and Location says where.

        Raises `InvalidResource` when something that has to be in it is not here.
        """
        permit(context.caller, _TYPE, "read")
        persist = request.parameters.flag("persist")
        if persist:
            permit(context.caller, "Bundle", "create")
        composition = await current(_TYPE, _id(request, context), context)
        head: Resource = {
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{self.ids()}"},
            "type": "document",
            "timestamp": instant(context.server.store.now()),
        }
        parts = [composition, *await _parts(composition, context)]
        patients = tuple(part.patient for part in parts)
        body = bundle(head, [await _entry(part, context) for part in parts])
        if not persist:
            return FhirResponse(200, body, patients=patients)
        stored = await store_new(loads(body), context)
        location = f"{context.base}/{stored.reference}/_history/{stored.version}"
        return FhirResponse(
            200, await body_of(stored, context), stored, location, patients=patients
        )


def _id(request: OperationRequest, context: Context) -> str:
    if request.parameters.text("graph") is not None:
        raise NotSupported("$document does not follow a GraphDefinition (graph).")
    named = request.parameters.text("id")
    if (named is None) == (request.id is None):
        raise InvalidParameter(
            "Name one Composition: Composition/id/$document or Composition/$document?id=..."
        )
    if named is None:
        return request.id or ""
    local = named.removeprefix(f"{context.base}/").removeprefix(f"{_TYPE}/")
    if "/" in local:
        raise NotSupported("$document is for the Compositions of this server.")
    return logical_id(local)


async def _parts(composition: StoredResource, context: Context) -> list[StoredResource]:
    resource = composition.resource()
    direct = _direct(resource, context.base)
    inside = [resource.get("contained"), resource.get("extension")]
    found: dict[str, StoredResource] = {}
    waiting = list(dict.fromkeys([*direct, *local_references(inside, context.base)]))
    seen = {composition.reference, *waiting}
    while waiting:
        reference = waiting.pop(0)
        part = await _part(reference, reference in direct, context)
        if part is None:
            continue
        found[reference] = part
        if len(found) > context.server.settings.include_limit:
            raise TooCostly("The document would have more resources than one answer may.")
        new = [one for one in local_references(part.resource(), context.base) if one not in seen]
        waiting += dict.fromkeys(new)
        seen.update(new)
    return list(found.values())


async def _entry(part: StoredResource, context: Context) -> Entry:
    return {"fullUrl": f"{context.base}/{part.reference}"}, await body_of(part, context)


async def _part(reference: str, needed: bool, context: Context) -> StoredResource | None:
    """What is referred to; None when it may be left out and has to be."""
    type = reference.partition("/")[0]
    if needed:
        permit(context.caller, type, "read")
    elif not may_read(type, context):
        return None
    found = await literal(reference, context)
    if found is None and needed:
        text = f"The Composition refers to {reference}, which is not here."
        raise InvalidResource(text, issues=(Issue("not-found", text, expression=(_TYPE,)),))
    return found


def _direct(composition: Resource, base: str) -> dict[str, None]:
    """What has to be in the document. Raises `InvalidResource` for one on another server."""
    found: dict[str, None] = {}
    for element in _DIRECT:
        for reference in literal_references(composition.get(element)):
            local = as_local(reference, base)
            if local is None:
                text = f"Composition.{element} refers to a resource of another server."
                issue = Issue("not-supported", text, expression=(f"{_TYPE}.{element}",))
                raise InvalidResource(text, issues=(issue,))
            found[local] = None
    return found
