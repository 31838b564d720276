"""Results and documents: the version that stands is from one message as a whole.

A corrected result without an interpretation must not keep that of the value it corrects, so what
the message before said goes with it. What others than senders wrote stays.
"""

from __future__ import annotations

from typing import Any

from fhir_server.resource import Resource
from integrations.hl7v2.writing.elements import grouped, join, remove
from integrations.hl7v2.writing.ledger import SINGLE, Ledger, digest
from integrations.hl7v2.writing.tags import Tag

_GATHERED = {"DiagnosticReport": "result"}
"""Lists that several messages fill: a laboratory sends what is new of a panel."""
_SENDER = "s"


def replace(current: Resource, said: Resource, ledger: Ledger, tag: Tag) -> Resource:
    """`current` with the content of `said` if that has the say, else with what it adds to lists."""
    stands = ledger.document.get("w")
    wins = tag.beats(Tag.of(stands) if stands else None)
    gathered = _GATHERED.get(said["resourceType"])
    rest = {name: value for name, value in said.items() if name != gathered}
    joined = dict(current)
    if wins:
        joined = _replaced(joined, rest, ledger, tag)
        ledger.set("w", tag.stored())
    if gathered and (gathered in said or gathered in joined):
        _gather(joined, gathered, said.get(gathered, []), ledger, wins=wins)
    return joined


def _replaced(joined: Resource, said: Resource, ledger: Ledger, tag: Tag) -> Resource:
    elements = grouped(said)
    for element in set(ledger.document.get("o", ())) - set(elements) - set(ledger.pins):
        _drop(joined, element, ledger)
    ledger.set("o", sorted(one for one in elements if one != "identifier"))
    return join(joined, said, ledger, tag, _SENDER)


def _drop(joined: Resource, element: str, ledger: Ledger) -> None:
    """Take away what the message before said, not what somebody has put there since."""
    entries = ledger.elements.pop(element, {})
    ledger.changed = True
    if SINGLE in entries:
        members = grouped(joined).get(element)
        if members is not None and [digest(members)] == entries[SINGLE]["h"]:
            remove(joined, element)
        return
    own = {hash for one in entries.values() for hash in one["h"]}
    kept = [one for one in joined.get(element, ()) if digest(one) not in own]
    if kept:
        joined[element] = kept
    else:
        joined.pop(element, None)


def _gather(joined: Resource, element: str, said: list[Any], ledger: Ledger, *, wins: bool) -> None:
    """The entries of the version that stands in its order, then all others ever named."""
    there: list[Any] = joined.get(element, [])
    number = ledger.document.get("n", {}).get(element, 0)
    first, others = (said, there) if wins else (there[:number], [*there[number:], *said])
    heads = {one.get("reference") for one in first}
    rest = {one["reference"]: one for one in others if one.get("reference") not in heads | {None}}
    joined[element] = [*first, *(rest[reference] for reference in sorted(rest))]
    if not joined[element]:
        del joined[element]
    ledger.set("n", {**ledger.document.get("n", {}), element: len(first)})
