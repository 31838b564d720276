"""Two records of one patient become one: A18, A30, A34, A36, A39, A40, A41; A35, A42 likewise.

The retired record stays, inactive, and says who replaced it. What refers to it is made to refer to
the survivor; a later message with the retired identifiers still writes the retired record's own
demographics, cannot make it active again, and all else that it says goes to the survivor.
https://hl7.org/fhir/R4/patient.html#merge
"""

from __future__ import annotations

from typing import Any

from fhir_server.resource import Resource
from integrations.hl7v2.mapping.actions import ChangeIdentifier, Merge
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.writing.drafting import Drafting
from integrations.hl7v2.writing.outcome import Written
from integrations.hl7v2.writing.repointing import repoint

_PINNED = {"Patient": ("active", "link"), "Encounter": ("status",), "Account": ("status", "partOf")}


async def merge(work: Drafting, action: Merge) -> tuple[list[Written], list[str]]:
    """Carry out a merge: what was written, and merges whose references are still to be moved."""
    retired, survivor = work.references[action.retired], work.references[action.survivor]
    leading = work.survivor(survivor)
    if leading == retired or retired == survivor:
        work.notes.append(
            f"{action.retired} cannot be merged into {action.survivor}: it leads there."
        )
        return [], []
    book = work.book(retired)
    if book.into not in (None, survivor):
        work.notes.append(f"{action.retired} was merged into another record before; that stays.")
        return [], []
    book.set("into", survivor)
    book.pin(*_PINNED.get(retired.partition("/")[0], ()))
    work.leads(action.retired, leading)
    written = [await _retire(work, action.retired, retired, survivor)]
    if retired.startswith("Patient/"):
        written.append(await _link(work, action.survivor, survivor, retired, "replaces"))
        work.book(survivor).pin("link")
    moved, done = await repoint(work.unit, retired, leading)
    return [*written, *moved], [] if done else [retired]


async def joined(work: Drafting, action: ChangeIdentifier) -> tuple[list[Written], list[str]]:
    """A changed identifier whose old and new one were used apart before: two records of one thing.

    Where one of them was not known yet it is one record already, by `identify`.
    """
    former = work.references.get(action.former)
    if former is None or former == work.references[action.key]:
        return [], []
    return await merge(work, Merge(action.key, action.former))


async def _retire(work: Drafting, key: str, retired: str, survivor: str) -> Written:
    stored = await work.unit.read(*retired.split("/"))
    before = stored.resource()
    after: Resource = dict(before)
    match before["resourceType"]:
        case "Patient":
            after["active"] = False
            after["link"] = _joined(before, survivor, "replaced-by")
        case "Account":
            after |= {"status": "inactive", "partOf": {"reference": survivor}}
        case "Encounter":
            after["status"] = "entered-in-error"
    return await work.store(key, after, before)


async def _link(work: Drafting, key: str, one: str, other: str, kind: str) -> Written:
    stored = await work.unit.read(*one.split("/"))
    before = stored.resource()
    return await work.store(key, {**before, "link": _joined(before, other, kind)}, before)


def _joined(patient: Resource, other: str, kind: str) -> list[dict[str, Any]]:
    """The patient's links with one more, in an order that does not depend on when they came."""
    new = {"other": {"reference": other}, "type": kind}
    links = [one for one in patient.get("link", ()) if one != new]
    return sorted([*links, new], key=lambda one: (one["type"], one["other"].get("reference", "")))


async def link(work: Drafting, *, together: bool) -> list[Written]:
    """A24 says that two records may be of one patient, A37 that they are not.

    Nothing moves between them; a merge is not undone by it.
    """
    drafts = [one for one in work.conversion.drafts if one.type == "Patient"]
    if len(drafts) != 2:
        return []
    written = []
    for one, other in (drafts, drafts[::-1]):
        written.append(await _see_also(work, one, other, together=together))
    return written


async def _see_also(work: Drafting, one: Draft, other: Draft, *, together: bool) -> Written:
    own, far = work.references[one.key], work.references[other.key]
    stored = await work.unit.read(*own.split("/"))
    before, book = stored.resource(), work.book(own)
    tag, links = work.tag(one), dict(book.document.get("links", {}))
    mark = far.partition("/")[2]
    if mark in links and links[mark]["t"][1:] > tag.stored()[1:]:
        return await work.store(one.key, before, before)
    links[mark] = {"t": tag.stored(), "k": "seealso" if together else ""}
    book.set("links", links)
    book.pin("link")
    after = {**before, "link": _joined(before, far, "seealso")}
    if not together:
        gone = {"other": {"reference": far}, "type": "seealso"}
        after["link"] = [one for one in before.get("link", ()) if one != gone]
        if not after["link"]:
            del after["link"]
    return await work.store(one.key, after, before)
