"""All drafts and actions of one message in one transaction. Decision 0022."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fhir_server.dates import parse_range
from fhir_server.store import UnitOfWork
from integrations.hl7v2.mapping.actions import ChangeIdentifier, Replace
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.store import ledgers as stored
from integrations.hl7v2.writing import changes
from integrations.hl7v2.writing.cancelling import cancelled
from integrations.hl7v2.writing.drafting import Drafting
from integrations.hl7v2.writing.identity import identify
from integrations.hl7v2.writing.ledger import Ledger
from integrations.hl7v2.writing.outcome import Applied, Written
from integrations.hl7v2.writing.provenance import provenance_of
from integrations.hl7v2.writing.source import MessageSource


@dataclass(frozen=True)
class Rules:
    """What a site decides about writing.

    `authority` is the system of identifiers that come without one, empty for none; `required` the
    profiles that the server asks for.
    """

    authority: str = ""
    required: tuple[str, ...] = ()


_RULES = Rules()
_OF_ITSELF = ("MessageHeader", "Provenance")


async def apply(
    unit: UnitOfWork, conversion: Conversion, source: MessageSource, rules: Rules = _RULES
) -> Applied:
    """Write what a message says. The same message again changes nothing.

    Raises `InvalidResource` when a resource breaks the rules of FHIR R4, with the draft's origin in
    its text, and the store's errors, on which the transaction starts again.
    """
    drafts = cancelled(_drafts(conversion), conversion.actions)
    parents = {one.replaced for one in conversion.actions if isinstance(one, Replace)}
    formers = {
        one.key: one.former for one in conversion.actions if isinstance(one, ChangeIdentifier)
    }
    hints = parents | set(formers.values())
    found = await identify(
        unit,
        drafts,
        source,
        authority=rules.authority,
        only_known=frozenset(formers.values()),
        formers=formers,
    )
    books = await _ledgers(unit, found.references.values())
    unit.presume_new(one for one in found.made if not books[one].known)
    await unit.prefetch(found.references.values())
    work = Drafting(unit, conversion, source, found.references, books, rules.required)
    written = [await work.write(one) for one in drafts if one.key not in hints]
    acted = await changes.carry_out(work, conversion.actions, written)
    written += acted.written
    provenance = await _provenance(work, written)
    await stored.name(unit, found.names)
    await stored.keep(
        unit,
        [one.document for one in books.values() if one.changed and not one.known],
        [one.document for one in books.values() if one.changed and one.known],
    )
    notes = (*found.notes, *work.notes, *acted.notes)
    return Applied((*written, provenance), notes, acted.pending)


def _drafts(conversion: Conversion) -> tuple[Draft, ...]:
    """But for what the message says of itself: one Provenance and the stored message tell it."""
    return tuple(one for one in conversion.drafts if one.type not in _OF_ITSELF)


async def _ledgers(unit: UnitOfWork, references: Iterable[str]) -> dict[str, Ledger]:
    """The ledger of each resource, and of those it was merged into."""
    books: dict[str, Ledger] = {}
    wanted = set(references)
    while wanted:
        known = await stored.ledgers(unit, sorted(wanted))
        books |= {one: Ledger(one, known.get(one)) for one in wanted}
        wanted = {one.into for one in books.values() if one.into} - set(books)
    return books


async def _provenance(work: Drafting, written: list[Written]) -> Written:
    told = [one.reference for one in written if one.key]
    moment = next((one.moment for one in work.conversion.drafts if one.moment), None)
    occurred = moment if moment and parse_range(moment) else None
    resource = provenance_of(work.conversion, work.source, told or ["Device/aimed"], occurred)
    return await work.store("", resource)
