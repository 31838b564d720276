"""By which identifiers a draft is the same thing in every message, and how new it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from integrations.hl7v2.mapping.context import Context, Identity, Json
from integrations.hl7v2.mapping.drafts import Building
from integrations.hl7v2.mapping.moments import moment
from integrations.hl7v2.mapping.reading import Reading
from integrations.hl7v2.mapping.rules import Composite, Rule

Find = Callable[[str], Building | None]

# Numbers of a person that several people may share or that change hands, and that of a group of
# orders: never an identity.
_NOT_IDENTIFYING = frozenset(
    ("SS", "SSN", "DL", "PPN", "MC", "MA", "SB", "NI", "PN", "CZ", "BC", "PGN")
)
# The medical record number goes first, whatever order the identifiers were sent in.
_FIRST = ("MR", "PI", "MRN")


def identities(
    rule: Rule, reading: Reading, building: Building, context: Context, find: Find
) -> Iterator[Identity]:
    """The identities of a new draft, best first."""
    for one in rule.identify:
        if isinstance(one, Composite):
            if building.identities:
                return
            made = _composite(one, reading, context, find)
            if made:
                yield made
        else:
            yield from _of_element(building.resource, one)


def _of_element(resource: Json, name: str) -> list[Identity]:
    held = resource.get(name, [])
    ranked = []
    for identifier in held if isinstance(held, list) else [held]:
        system, value = identifier.get("system"), identifier.get("value")
        kinds = {c.get("code") for c in identifier.get("type", {}).get("coding", ())}
        if system and value and not kinds & _NOT_IDENTIFYING:
            ranked.append((not kinds & set(_FIRST), (system, value)))
    return [identity for _, identity in sorted(ranked, key=lambda pair: pair[0])]


def _composite(
    composite: Composite, reading: Reading, context: Context, find: Find
) -> Identity | None:
    values = []
    for name, path, optional in composite.parts:
        if path is None:
            other = find(name)
            value = "|".join(other.identities[0]) if other and other.identities else ""
        else:
            value = reading.text(path)
        if not value and not optional:
            return None
        values.append(value)
    return context.local(composite.name), "|".join(values).rstrip("|")


def moment_of(rule: Rule, reading: Reading, context: Context) -> str | None:
    """The first time that the rule's fields tell."""
    for path in rule.moment:
        text = reading.text(path)
        found = moment(text, context.message_zone, context.zone) if text else None
        if found:
            return found.datetime()
    return None
