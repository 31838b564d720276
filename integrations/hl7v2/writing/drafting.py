"""One draft meets what is stored, by its policy."""

from __future__ import annotations

from typing import Any

from fhir_server.errors import InvalidResource
from fhir_server.interactions.body import checked
from fhir_server.resource import Resource
from fhir_server.store import StoredResource, UnitOfWork
from integrations.hl7v2.mapping.actions import Cancel, Discharge
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.draft import Draft, Policy
from integrations.hl7v2.writing import appointments, snapshots, standing, status_guard, visits
from integrations.hl7v2.writing.elements import join
from integrations.hl7v2.writing.ledger import Ledger
from integrations.hl7v2.writing.moments import sent_of
from integrations.hl7v2.writing.outcome import Effect, Written
from integrations.hl7v2.writing.references import resolved
from integrations.hl7v2.writing.source import MessageSource, sender_key
from integrations.hl7v2.writing.tags import FILL, TELL, Tag, tag_of

_SNAPSHOTS = (Policy.RESULT, Policy.DOCUMENT)
_OF_ADT = {
    "Patient": ("ADT",),
    "RelatedPerson": ("ADT",),
    "Encounter": ("ADT",),
    "EpisodeOfCare": ("ADT",),
    "Account": ("ADT", "BAR"),
}
"""Of these ADT has the say, of accounts BAR too; what other messages tell of them only fills in."""


class Drafting:
    """The work on one message. `references` are those of the drafts, by key."""

    def __init__(
        self,
        unit: UnitOfWork,
        conversion: Conversion,
        source: MessageSource,
        references: dict[str, str],
        books: dict[str, Ledger],
        required: tuple[str, ...],
    ) -> None:
        self.unit = unit
        self.conversion = conversion
        self.source = source
        self.references = references
        self.books = books
        self.notes: list[str] = []
        self._required = required
        self._sender = sender_key(conversion)
        self._sent = sent_of(conversion.header.sent)
        self._leading = {key: self.survivor(one) for key, one in references.items()}

    def survivor(self, reference: str) -> str:
        """The resource that this one was merged into in the end; itself when it was not."""
        seen: list[str] = []
        while reference in self.books and self.books[reference].into and reference not in seen:
            seen.append(reference)
            reference = self.books[reference].into or reference
        return reference

    def leads(self, key: str, reference: str) -> None:
        """From now on references to the draft `key` lead there."""
        self._leading[key] = reference

    def book(self, reference: str) -> Ledger:
        """The ledger of a resource that the message is about."""
        return self.books.setdefault(reference, Ledger(reference))

    def tag(self, draft: Draft) -> Tag:
        """How much say the message has about this draft."""
        if draft.policy in _SNAPSHOTS:
            rank, order = status_guard.standing(draft.resource)
            return tag_of(draft, rank, self.source, self._sent, order)
        families = _OF_ADT.get(draft.type)
        asked = draft.policy is not Policy.REFERENCE_DATA and (
            families is None or self.conversion.family in families
        )
        return tag_of(draft, TELL if asked else FILL, self.source, self._sent)

    async def current(self, reference: str) -> StoredResource | None:
        """The newest version, a deletion included."""
        type, _, id = reference.partition("/")
        return await self.unit.find(type, id)

    async def write(self, draft: Draft) -> Written:
        """Join the draft with what is stored and store the outcome if it differs."""
        reference = self.references[draft.key]
        book, stored, tag = self.book(reference), await self.current(reference), self.tag(draft)
        if stored is not None and stored.deleted:
            if not self._is_news(book, tag):
                return Written(draft.key, reference, stored.version, Effect.UNCHANGED)
            self.books[reference] = book = Ledger(reference, {"_id": reference, "e": {}})
        here = stored is not None and not stored.deleted
        current = stored.resource() if stored is not None and here else {}
        said = resolved(draft.resource, self._leading)
        if stored is None:
            book.set("made", True)
        if draft.type == "AllergyIntolerance":
            book.set("from", sorted({*book.document.get("from", ()), self._sender}))
        joined = self._joined(draft, current, said, book, tag)
        if tag.rank != FILL or draft.type == "Patient":
            book.set("last", max(str(book.document.get("last", "")), tag.moment))
        # Two messages about one patient at once are kept apart by it, a merge and a result too.
        book.changed = book.changed or draft.type == "Patient"
        return await self.store(draft.key, joined, current, draft)

    def _is_news(self, book: Ledger, tag: Tag) -> bool:
        """Whether a deleted resource comes back: by what was said after all that is known."""
        return tag.moment > str(book.document.get("last", ""))

    def _joined(
        self, draft: Draft, current: Resource, said: Resource, book: Ledger, tag: Tag
    ) -> Resource:
        base = current or {"resourceType": draft.type, "id": book.reference.partition("/")[2]}
        if draft.policy in _SNAPSHOTS:
            joined = snapshots.replace(base, said, book, tag)
        elif draft.passing:
            joined = join(base, said, book, tag, self._sender, assumed=None)
        elif draft.policy is Policy.ENCOUNTER and draft.type == "Encounter":
            joined = self._visit(draft, base, said, book, tag)
        else:
            said = {**said, "status": draft.status_told} if draft.status_told else said
            joined = join(base, said, book, tag, self._sender, draft.cleared, draft.assumed)
            if draft.type == "Appointment":
                joined = appointments.completed(base, joined, book)
            if draft.type in standing.TYPES:
                joined = standing.consistent(joined)
        return _with_meta({**joined, **book.document.get("as", {})}, said.get("meta", {}))

    def _visit(
        self, draft: Draft, base: Resource, said: Resource, book: Ledger, tag: Tag
    ) -> Resource:
        plain = {name: value for name, value in said.items() if name not in visits.DERIVED}
        cleared = tuple(one for one in draft.cleared if one not in visits.DERIVED)
        joined = join(base, plain, book, tag, self._sender, cleared, draft.assumed)
        at = draft.moment or f"{tag.moment[:19]}Z"
        event = visits.event_of(said, self._trigger(draft.key), tag.stored(), at)
        events = visits.recorded(book.document.get("v", []), event)
        book.set("v", events)
        derived = visits.state_of(events)
        kept = {name: value for name, value in joined.items() if name not in visits.DERIVED}
        return {
            **kept,
            **{n: v for n, v in derived.items() if n not in book.pins},
            **_pinned(joined, book),
        }

    def _trigger(self, key: str) -> str:
        """The event that this message is for the visit; none for other than ADT."""
        if self.conversion.family != "ADT":
            return ""
        trigger = self.conversion.trigger
        if visits.is_known(trigger):
            return trigger
        for action in self.conversion.actions:
            if isinstance(action, Discharge) and action.key == key:
                return "A03"
            if isinstance(action, Cancel) and action.key == key:
                return visits.trigger_for(str(action.what)) or trigger
        return trigger

    async def store(
        self,
        key: str,
        resource: Resource,
        current: Resource | None = None,
        draft: Draft | None = None,
    ) -> Written:
        """Store a resource if it differs from `current`, checked as every write is."""
        reference = f"{resource['resourceType']}/{resource['id']}"
        before = await self.current(reference)
        if current is None:
            there = before is not None and not before.deleted
            current = before.resource() if before is not None and there else {}
        if before is not None and current and _same(current, resource):
            return self._written(key, before, Effect.UNCHANGED)
        meta = {**resource.get("meta", {}), "source": self.source.urn}
        resource = {**resource, "meta": meta}
        if resource["resourceType"] != "Provenance":  # ours: always of the same valid form
            self._check(resource, key, draft)
        stored = await self.unit.put(resource)
        effect = Effect.UPDATED if current else Effect.CREATED
        if before is not None and stored.version == before.version:
            effect = Effect.UNCHANGED
        return self._written(key, stored, effect)

    def _check(self, resource: Resource, key: str, draft: Draft | None) -> None:
        try:
            checked(resource, resource["resourceType"], self._required)
        except InvalidResource as error:
            raise _located(error, key, draft) from None

    def _written(self, key: str, stored: StoredResource, effect: Effect) -> Written:
        patient = self.unit.patient_of(stored.reference)
        return Written(key, stored.reference, stored.version, effect, patient)


def _pinned(joined: Resource, book: Ledger) -> Resource:
    return {name: joined[name] for name in visits.DERIVED if name in book.pins and name in joined}


def _same(current: Resource, resource: Resource) -> bool:
    mine = {name: value for name, value in resource.items() if name != "meta"}
    there = {name: value for name, value in current.items() if name != "meta"}
    if mine != there:
        return False
    wanted, meta = resource.get("meta", {}), current.get("meta", {})
    return all(meta.get(name) == wanted.get(name) for name in ("profile", "tag", "security"))


def _with_meta(resource: Resource, said: dict[str, Any]) -> Resource:
    """Profiles, tags and labels are added to those that are there, in an order of their own."""
    meta = dict(resource.get("meta", {}))
    for name in ("profile", "tag", "security"):
        new = [one for one in said.get(name, ()) if one not in meta.get(name, ())]
        if new:
            meta[name] = sorted([*meta.get(name, ()), *new], key=str)
    return {**resource, "meta": meta} if meta else resource


def _located(error: InvalidResource, key: str, draft: Draft | None) -> InvalidResource:
    origin = f" (from {', '.join(draft.origin)})" if draft is not None and draft.origin else ""
    return InvalidResource(
        f"{key or 'A resource'}{origin} would break the rules of FHIR R4 or of a profile.",
        issues=error.issues,
    )
