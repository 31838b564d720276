"""Which resource a draft is about: the one that any of its identities names.

First the names that earlier messages used, then what was created over FHIR with the same
identifier; else it is new, under an id that follows from its first identity. Whoever else looks
for the same at that moment, message or conditional create, waits or starts again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fhir_server.interactions.criteria import canonical
from fhir_server.search.keys import token_keys
from fhir_server.store import UnitOfWork
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.store import ledgers
from integrations.hl7v2.writing.source import MessageSource

Identity = tuple[str, str]

_BY_ANY = frozenset({"Patient"})
"""What is known by any of its identities. Of all else the best one counts: senders reuse group and
filler numbers, and an order must not become that of another patient."""


@dataclass
class Identified:
    """`references` by draft key; `names` to remember; `made` the references that are new."""

    references: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def derived_id(*parts: str) -> str:
    """The id of what `parts` name: 128 bits of SHA-256, in hex."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def name_of(type: str, identity: Identity) -> str:
    """The name under which an identity is remembered; a hash, for identities are patient data."""
    return hashlib.sha256("\x1f".join((type, *identity)).encode()).hexdigest()


async def identify(
    unit: UnitOfWork,
    drafts: Iterable[Draft],
    source: MessageSource,
    *,
    authority: str,
    only_known: frozenset[str] = frozenset(),
    formers: Mapping[str, str] | None = None,
) -> Identified:
    """Find or make the reference of every draft.

    `authority` is the system of identities that have none. Drafts in `only_known` get a reference
    only when there is something to refer to. `formers` are, by the key of a draft, those of others
    with identities that it had before: the resource of one is the resource of both.
    """
    found = Identified()
    called = {one.key: _identities(one, authority, found.notes) for one in drafts}
    by_key = {one.key: one for one in drafts}
    for key, former in (formers or {}).items():
        called[key] += [one for one in called.get(former, ()) if one not in called[key]]
    wanted = {name_of(by_key[key].type, one) for key, all in called.items() for one in all}
    known = await ledgers.names(unit, sorted(wanted)) if wanted else {}
    for key, identities in called.items():
        noted = len(found.notes)
        _by_name(by_key[key], identities, known, found)
        if key in (formers or {}):
            del found.notes[noted:]  # two records of which the message says that they are one
    await _by_identifier(
        unit, [by_key[k] for k in called if k not in found.references], called, found
    )
    for key, identities in called.items():
        draft = by_key[key]
        if key not in found.references:
            _by_name(draft, identities, found.names, found)
        if key not in found.references and key not in only_known:
            _anew(draft, identities, source, found)
        _remember(draft, identities, known, found)
    return found


def _identities(draft: Draft, authority: str, notes: list[str]) -> list[Identity]:
    own: list[Identity] = []
    for system, value in draft.identities:
        if system or authority:
            own.append((system or authority, value))
        else:
            notes.append(
                f"{draft.key}: an identifier without an assigning authority cannot be used. "
                "Set one for the site."
            )
    return own if draft.type in _BY_ANY else own[:1]


def _by_name(
    draft: Draft, identities: list[Identity], known: Mapping[str, str], found: Identified
) -> None:
    hits = [known[name] for one in identities if (name := name_of(draft.type, one)) in known]
    _take(draft, hits, found)


def _take(draft: Draft, hits: list[str], found: Identified) -> None:
    if not hits:
        return
    found.references[draft.key] = hits[0]
    if len(set(hits)) > 1:
        found.notes.append(
            f"{draft.key}: its identifiers belong to {len(set(hits))} different resources; the "
            "first was used. Merge them if they are one."
        )


async def _by_identifier(
    unit: UnitOfWork, drafts: list[Draft], called: Mapping[str, list[Identity]], found: Identified
) -> None:
    """What was created over FHIR. Only what the draft itself carries as an identifier counts."""
    by_type: dict[str, dict[str, list[str]]] = {}
    for draft in drafts:
        own = {(one.get("system", ""), one.get("value", "")) for one in _listed(draft)}
        for identity in called[draft.key]:
            if identity in own:
                key = _search_key(identity)
                by_type.setdefault(draft.type, {}).setdefault(key, []).append(draft.key)
                if draft.type == "Patient":
                    await unit.hold(canonical(draft.type, (("identifier", "|".join(identity)),)))
    by_key = {one.key: one for one in drafts}
    for type, wanted in by_type.items():
        hits: dict[str, list[str]] = {}
        there = await ledgers.identified(unit, type, wanted)
        # Known by the first identity alone, what messages made is not looked for by another.
        made = await ledgers.ledgers(unit, [one for one, _ in there]) if there else {}
        for reference, keys in there:
            for key in wanted.keys() & keys:
                for draft_key in wanted[key]:
                    by_first = type not in _BY_ANY
                    if by_first and made.get(reference, {}).get("made"):
                        continue
                    hits.setdefault(draft_key, []).append(reference)
        for draft_key, references in hits.items():
            _take(by_key[draft_key], references, found)


def _listed(draft: Draft) -> list[dict[str, str]]:
    identifier = draft.resource.get("identifier", [])
    return identifier if isinstance(identifier, list) else [identifier]


def _search_key(identity: Identity) -> str:
    """As the search index has it: values of identifiers are compared without regard to case."""
    (key,) = (
        one
        for one in token_keys("Identifier", _identifier(identity))
        if "|~" in one and one[1] != "|"
    )
    return f"identifier{key}"


def _identifier(identity: Identity) -> dict[str, str]:
    return {"system": identity[0], "value": identity[1]}


def _anew(
    draft: Draft, identities: list[Identity], source: MessageSource, found: Identified
) -> None:
    parts = (draft.type, *identities[0]) if identities else (source.sha256, draft.key)
    reference = f"{draft.type}/{derived_id(*parts)}"
    found.references[draft.key] = reference
    found.made.append(reference)


def _remember(
    draft: Draft, identities: list[Identity], known: Mapping[str, str], found: Identified
) -> None:
    reference = found.references.get(draft.key)
    if reference is None:
        return
    for one in identities:
        name = name_of(draft.type, one)
        if name not in known:
            found.names.setdefault(name, reference)
