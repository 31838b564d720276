"""A document takes the place of another, or is added to it: MDM T05, T06, T09, T10."""

from __future__ import annotations

from typing import Any

from fhir_server.resource import Resource
from integrations.hl7v2.mapping.actions import Replace
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.writing.drafting import Drafting
from integrations.hl7v2.writing.outcome import Written


async def replace(work: Drafting, action: Replace) -> list[Written]:
    """Relate the two; a document that is replaced is superseded from then on.

    Also when it arrives after the one that replaces it: its ledger, which is there before it, says
    so.
    """
    reference = work.references[action.key]
    draft = work.conversion.draft(action.replaced)
    parent = work.references[action.replaced]
    written = []
    target = _target(draft, parent if await _is_there(work, parent) else None)
    stored = await work.unit.read(*reference.split("/"))
    before = stored.resource()
    relation = {"code": action.relation, "target": target}
    written.append(await work.store(action.key, _related(before, relation), before))
    work.book(reference).pin("relatesTo")
    if "reference" not in target:
        book = work.book(parent)
        book.set("by", sorted({*book.document.get("by", ()), reference}))
    if action.relation == "replaces":
        written += await _superseded(work, parent)
    return written


async def arrived(work: Drafting, written: Written) -> list[Written]:
    """Lead the documents that replaced this one before it was there to it."""
    book = work.book(written.reference)
    waiting: list[str] = book.document.get("by", [])
    if not waiting:
        return []
    named = [_identifier(one) for one in work.conversion.draft(written.key).identities]
    found = []
    for one in waiting:
        stored = await work.unit.find(*one.split("/"))
        if stored is not None and not stored.deleted:
            before = stored.resource()
            found.append(await work.store("", _leading(before, written, named), before))
    book.set("by", [])
    return found


async def _is_there(work: Drafting, reference: str) -> bool:
    stored = await work.unit.find(*reference.split("/"))
    return stored is not None and not stored.deleted


def _leading(document: Resource, written: Written, named: list[dict[str, str]]) -> Resource:
    relations = [
        {**one, "target": {"reference": written.reference, **one["target"]}}
        if one["target"].get("identifier") in named
        else one
        for one in document.get("relatesTo", ())
    ]
    return {**document, "relatesTo": relations}


def _target(draft: Draft, parent: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"reference": parent} if parent else {}
    if draft.identities:
        found["identifier"] = _identifier(draft.identities[0])
    return found or {"display": "not named"}


def _identifier(identity: tuple[str, str]) -> dict[str, str]:
    system, value = identity
    return {"system": system, "value": value} if system else {"value": value}


def _related(document: Resource, relation: dict[str, Any]) -> Resource:
    there = [
        one
        for one in document.get("relatesTo", ())
        if (one["code"], one["target"].get("identifier"))
        != (relation["code"], relation["target"].get("identifier"))
    ]
    relations = sorted(
        [*there, relation], key=lambda one: (one["code"], str(one["target"].get("identifier")))
    )
    return {**document, "relatesTo": relations}


async def _superseded(work: Drafting, parent: str) -> list[Written]:
    book = work.book(parent)
    book.pin("status")
    book.set("as", {"status": "superseded"})
    type, _, id = parent.partition("/")
    stored = await work.unit.find(type, id)
    if stored is None or stored.deleted:
        return []
    before = stored.resource()
    return [await work.store("", {**before, "status": "superseded"}, before)]
