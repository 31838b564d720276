"""Joining what a message says with what a resource holds, element by element.

A single value belongs to whoever has the say (`tags.py`); a list holds the entries of every sender
that speaks of it, and those that others wrote. What nobody among the senders wrote stays, and a
sender that only repeats itself does not undo what somebody has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from fhir_server.definitions.elements import elements_of
from fhir_server.resource import Resource
from integrations.hl7v2.mapping.members import element_of
from integrations.hl7v2.writing.extensions import join_single, split
from integrations.hl7v2.writing.ledger import SINGLE, Ledger, digest
from integrations.hl7v2.writing.tags import ASSUME, FILL, Tag

Members = dict[str, Any]
_OWN = ("resourceType", "id", "meta")
_FILLED, _CLEARED = "0", "!"
"""Senders of their own: all those that only fill in, and the deletion of a list."""


def join(
    current: Resource,
    said: Resource,
    ledger: Ledger,
    tag: Tag,
    sender: str,
    cleared: Iterable[str] = (),
    assumed: Iterable[str] | None = (),
) -> Resource:
    """`current` with what `said` adds and changes. What `said` leaves out stays as it is.

    `assumed` elements, all of them for None, only fill what nobody has told.
    """
    joined = dict(current)
    type = said["resourceType"]
    told, guess = tag, replace(tag, rank=ASSUME)
    for element, members in grouped(said).items():
        if element in ledger.pins:
            continue
        tag = guess if assumed is None or element in assumed else told
        if element == "identifier":
            tag = told
            _identifiers(joined, members["identifier"], ledger, tag)
        elif element == "extension":
            _extensions(joined, members["extension"], ledger, tag, sender)
        elif _is_list(type, element):
            _list(joined, element, members[element], ledger, tag, sender)
        else:
            _single(joined, type, element, members, ledger, tag)
    for element in cleared:
        _clear(joined, type, element, ledger, told)
    return joined


def grouped(resource: Resource) -> dict[str, Members]:
    """The members of a resource by element: `deceasedBoolean` and `_deceasedBoolean` are one."""
    type, found = resource["resourceType"], dict[str, Members]()
    for name, value in resource.items():
        if name not in _OWN:
            found.setdefault(element_of(type, name), {})[name] = value
    return found


@cache
def _is_list(type: str, element: str) -> bool:
    found = elements_of(type).get(element)
    return found is not None and found.many


def remove(resource: Resource, element: str) -> None:
    """Take all members of an element away."""
    type = resource["resourceType"]
    for name in [n for n in resource if n not in _OWN and element_of(type, n) == element]:
        del resource[name]


def _holds(resource: Resource, element: str) -> bool:
    type = resource["resourceType"]
    return any(n not in _OWN and element_of(type, n) == element for n in resource)


def _say(entry: Members | None) -> Tag | None:
    return Tag.of(entry["t"]) if entry else None


def _single(
    joined: Resource, type: str, element: str, members: Members, ledger: Ledger, tag: Tag
) -> None:
    entry = ledger.elements.get(element, {}).get(SINGLE)
    if not tag.beats(_say(entry)):
        return
    if entry is None and tag.rank <= FILL and _holds(joined, element):
        return
    hashes = [digest(members)]
    repeated = entry is not None and entry["h"] == hashes
    ledger.enter(element, SINGLE, tag.stored(), hashes)
    if not repeated:
        remove(joined, element)
        joined.update(members)


def _list(
    joined: Resource, element: str, values: list[Any], ledger: Ledger, tag: Tag, sender: str
) -> None:
    before = dict(ledger.elements.get(element, {}))
    sender = _FILLED if tag.rank <= FILL else sender
    told = any(one != _FILLED for one in before)
    if tag.rank <= FILL and (told or (not before and joined.get(element))):
        return
    if not tag.beats(_say(before.get(sender))) or not tag.beats(_say(before.get(_CLEARED))):
        return
    hashes = list(dict.fromkeys(digest(one) for one in values))
    repeated = before.get(sender, {}).get("h") == hashes
    ledger.enter(element, sender, tag.stored(), hashes)
    if not repeated:
        _compose(joined, element, values, ledger, before, sender)


def _extensions(
    joined: Resource, values: list[Members], ledger: Ledger, tag: Tag, sender: str
) -> None:
    once, others = split(values)
    if others:
        _list(joined, "extension", others, ledger, tag, sender)
    if once:
        join_single(joined, once, ledger, tag)


def _compose(
    joined: Resource,
    element: str,
    values: list[Any],
    ledger: Ledger,
    before: dict[str, Members],
    sender: str,
) -> None:
    """The entries of all senders in the order of their keys, then those that others wrote."""
    there = {digest(one): one for one in joined.get(element, ())}
    foreign = there.keys() - {hash for one in before.values() for hash in one["h"]}
    there |= {digest(one): one for one in values}
    after = ledger.elements[element]
    if sender != _FILLED and _FILLED in after:
        del after[_FILLED]
    kept = dict.fromkeys(hash for one in sorted(after) for hash in after[one]["h"])
    kept.update((hash, None) for hash in there if hash in foreign)
    found = [there[hash] for hash in kept if hash in there]
    if found:
        joined[element] = found
    else:
        joined.pop(element, None)


def _clear(joined: Resource, type: str, element: str, ledger: Ledger, tag: Tag) -> None:
    """The sender deletes it by `""`, whoever wrote it (chapter 2, section 2.5.3)."""
    if element in ledger.pins or element == "identifier":
        return
    entries = ledger.elements.get(element, {})
    if not _is_list(type, element):
        if tag.beats(_say(entries.get(SINGLE))):
            ledger.enter(element, SINGLE, tag.stored(), [])
            remove(joined, element)
        return
    if not tag.beats(_say(entries.get(_CLEARED))):
        return
    gone = {one: entry for one, entry in entries.items() if tag.beats(_say(entry))}
    kept = {hash for one, entry in entries.items() if one not in gone for hash in entry["h"]}
    for one in gone:
        del entries[one]
    ledger.enter(element, _CLEARED, tag.stored(), [])
    joined[element] = [one for one in joined.get(element, ()) if digest(one) in kept]
    if not joined[element]:
        del joined[element]


def _identifiers(joined: Resource, values: list[Members], ledger: Ledger, tag: Tag) -> None:
    """Identifiers are only ever added: by any of them the next message finds the resource."""
    there = {_name(one): one for one in joined.get("identifier", ())}
    own = set(ledger.document.get("ids", ()))
    for value in values:
        name = _name(value)
        mark = digest(list(name))
        if name in there and mark not in own:
            continue
        entry = ledger.elements.get(f"identifier {mark}", {}).get(SINGLE)
        if tag.beats(_say(entry)):
            ledger.enter(f"identifier {mark}", SINGLE, tag.stored(), [digest(value)])
            own.add(mark)
            there[name] = value
    ledger.set("ids", sorted(own))
    foreign = [one for name, one in there.items() if digest(list(name)) not in own]
    ours = sorted(name for name in there if digest(list(name)) in own)
    if there:
        joined["identifier"] = [*(there[name] for name in ours), *foreign]


def _name(identifier: Members) -> tuple[str, str]:
    return identifier.get("system", ""), identifier.get("value", "")
