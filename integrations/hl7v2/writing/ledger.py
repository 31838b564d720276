"""What is remembered beside a resource: who said what of it, and when.

One document of `hl7v2_ledgers` for each resource that messages wrote, `_id` = "Patient/p1":

    e      by element: {sender: {t: tag, h: hashes of the values it wrote}}; a single value has
           one entry, under `*`, a list one for each sender
    made   whether a message made it; else it was found by an identifier
    w      the tag of the message that a snapshot (a result, a document) is from
    o      the elements of that snapshot
    v      the events of a visit, each with its tag
    n      how many entries of a list lead it; the rest were named by other messages
    pins   elements that messages may not change any more, `as` what some of them are
    by     documents that replaced this one before it was there
    from   the senders of an allergy; lists: the latest list of allergies of each sender, with the
           patient: {sender: {t: tag, of: those in it}}
    status of an appointment whose times are not known: what it becomes when they are
    into   the resource that this one was merged into
    links  merges and links with others: {reference: {t: tag, k: kind}}

Values are not in it but as hashes: what is said stands in the resource alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

from fhir_server.resource import dumps

Document = dict[str, Any]
SINGLE = "*"


class Ledger:
    """The document of one resource; `changed` says whether it is to be stored."""

    def __init__(self, reference: str, document: Document | None = None) -> None:
        self.reference = reference
        self.document: Document = document or {"_id": reference, "e": {}}
        self.known = document is not None
        self.changed = False

    @property
    def elements(self) -> dict[str, dict[str, Document]]:
        """Who wrote which element."""
        found: dict[str, dict[str, Document]] = self.document.setdefault("e", {})
        return found

    @property
    def into(self) -> str | None:
        """What this resource was merged into."""
        found: str | None = self.document.get("into")
        return found

    @property
    def pins(self) -> list[str]:
        """Elements that messages leave alone."""
        found: list[str] = self.document.get("pins", [])
        return found

    def set(self, field: str, value: Any) -> None:
        """Remember a field of the document."""
        if self.document.get(field) != value:
            self.document[field] = value
            self.changed = True

    def enter(self, element: str, sender: str, tag: list[int | str], hashes: list[str]) -> None:
        """Remember who wrote what."""
        entry = {"t": tag, "h": hashes}
        own = self.elements.setdefault(element, {})
        if own.get(sender) != entry:
            own[sender] = entry
            self.changed = True

    def pin(self, *elements: str) -> None:
        """From now on messages leave these alone."""
        self.set("pins", sorted({*self.pins, *elements}))


def digest(value: Any) -> str:
    """What a value is known by: 64 bits, enough to tell the values of one element apart."""
    return hashlib.blake2b(dumps(value), digest_size=8).hexdigest()
