"""A message that lists all allergies of a patient: what its sender leaves out is over."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.hl7v2.mapping.actions import SnapshotAllergies
from integrations.hl7v2.mapping.draft import DRAFT_SCHEME
from integrations.hl7v2.store import ledgers
from integrations.hl7v2.writing.drafting import Drafting
from integrations.hl7v2.writing.elements import join
from integrations.hl7v2.writing.ledger import Ledger
from integrations.hl7v2.writing.outcome import Written
from integrations.hl7v2.writing.source import sender_key
from integrations.hl7v2.writing.tags import Tag

_SYSTEM = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_OVER = {"coding": [{"system": _SYSTEM, "code": "inactive"}]}
_LISTS = "lists"
_MOST = 500


async def only_these(work: Drafting, action: SnapshotAllergies) -> list[Written]:
    """Set the others inactive; what somebody else recorded stays.

    Of several lists of a sender the latest counts: it is remembered with the patient, for what
    comes after it and is older.
    """
    patient = work.survivor(work.references[action.patient])
    listed = {work.references[key] for key in action.keys}
    tag, sender = work.tag(work.conversion.draft(action.patient)), sender_key(work.conversion)
    book = work.book(patient)
    lists = book.document.get(_LISTS, {})
    if sender in lists and not tag.beats(Tag.of(lists[sender]["t"])):
        return []
    book.set(_LISTS, {**lists, sender: {"t": tag.stored(), "of": sorted(listed)}})
    await work.unit.flush()
    others = set(await ledgers.of_patient(work.unit, patient, "AllergyIntolerance", _MOST)) - listed
    known = await ledgers.ledgers(work.unit, sorted(others)) if others else {}
    written = []
    for reference, document in known.items():
        if sender in document.get("from", ()):
            work.books[reference] = Ledger(reference, document)
            written.append(await _over(work, reference, tag))
    return written


async def arrived(work: Drafting, written: Iterable[Written]) -> list[Written]:
    """Set inactive what is older than the latest list of its sender and not in it."""
    sender, found = sender_key(work.conversion), list[Written]()
    for one in written:
        if not one.key or not one.reference.startswith("AllergyIntolerance/"):
            continue
        draft = work.conversion.draft(one.key)
        patient = draft.resource["patient"].get("reference", "").removeprefix(DRAFT_SCHEME)
        if patient not in work.references:
            continue
        book = work.book(work.survivor(work.references[patient]))
        latest = book.document.get(_LISTS, {}).get(sender)
        if latest is None or one.reference in latest["of"]:
            continue
        if Tag.of(latest["t"]).beats(work.tag(draft)):
            found.append(await _over(work, one.reference, Tag.of(latest["t"])))
    return found


async def _over(work: Drafting, reference: str, tag: Tag) -> Written:
    stored = await work.unit.read(*reference.split("/"))
    before = stored.resource()
    said = {"resourceType": "AllergyIntolerance", "clinicalStatus": _OVER}
    after = join(before, said, work.book(reference), tag, sender_key(work.conversion))
    return await work.store("", after, before)
