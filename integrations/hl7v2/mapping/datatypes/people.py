"""XCN, CN, PPN and NDL as Practitioner, PractitionerRole and RelatedPerson."""

from __future__ import annotations

import re

from integrations.hl7v2.mapping.context import Context, Identity, Json
from integrations.hl7v2.mapping.datatypes.identifiers import NPI, _type
from integrations.hl7v2.mapping.datatypes.names import human_name, name_of
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.values import Parts, component, filled, nested, subcomponent, whole

_NPI_FORM = re.compile(r"[12][0-9]{9}")
_XCN = (*range(1, 8), 9, 10, 13, 21)


@converts("XCN", "Practitioner", _XCN)
def practitioner(parts: Parts, context: Context, use: Use) -> Json | None:
    """A Reference to the draft of the person."""
    found = person(parts, context)
    return context.builder.draft(*found, Policy.REFERENCE_DATA) if found else None


@converts("XPN", "Practitioner", (*range(1, 8),))
def by_name(parts: Parts, context: Context, use: Use) -> Json | None:
    """A person of whom the name alone is told."""
    name = human_name(parts, context, use)
    if name is None:
        return None
    resource = {"resourceType": "Practitioner", "name": [name]}
    return context.builder.draft(resource, (), Policy.REFERENCE_DATA)


@converts(("XCN",), "PractitionerRole", _XCN)
def role(parts: Parts, context: Context, use: Use) -> Json | None:
    """A Reference to a role of the person."""
    found = person(parts, context)
    if not found:
        return None
    who = context.builder.draft(*found, Policy.REFERENCE_DATA)
    return context.builder.draft(
        {"resourceType": "PractitionerRole", "practitioner": who}, (), Policy.MESSAGE
    )


@converts("NDL", "Practitioner", (1,))
def named_with_date(parts: Parts, context: Context, use: Use) -> Json | None:
    """NDL-1 is a CNN: id, family, given ..., assigning authority at 9 to 11."""
    inner = nested(parts, 1)
    if component(inner, 9):
        inner = [*inner[:8], [component(inner, number) for number in (9, 10, 11)]]
    return practitioner(inner, context, use)


@converts("NDL", "PractitionerRole", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))
def role_with_date(parts: Parts, context: Context, use: Use) -> Json | None:
    """The person, when, and where."""
    who = named_with_date(parts, context, use)
    if who is None:
        return None
    made: Json = {"resourceType": "PractitionerRole", "practitioner": who}
    first, last = context.moment(component(parts, 2)), context.moment(component(parts, 3))
    period = {name: held.datetime() for name, held in (("start", first), ("end", last)) if held}
    if period and list(period.values()) == sorted(period.values()):
        made["period"] = period
    if any(component(parts, number) for number in range(4, 12)):
        from integrations.hl7v2.mapping.datatypes.locations import location

        place = [[component(parts, n)] for n in (4, 5, 6, 7, 8, 9, 10, 11)]
        where = location(place, context, use)
        if where:
            made["location"] = [where]
    return context.builder.draft(made, (), Policy.MESSAGE)


@converts("XCN", "RelatedPerson", _XCN)
def related(parts: Parts, context: Context, use: Use) -> Json | None:
    """The same person as somebody close to the patient."""
    found = person(parts, context)
    if not found:
        return None
    resource = {**found[0], "resourceType": "RelatedPerson"}
    return context.builder.draft(resource, found[1], Policy.MESSAGE)


@converts("XCN", "HumanName", (2, 3, 4, 5, 6, 7, 21))
def name_only(parts: Parts, context: Context, use: Use) -> Json | None:
    """The name of a person with an id."""
    return name_of(parts, context, suffixes=(5, 7, 21), first=2)


@converts("XCN", "Identifier", (1, 9, 10, 13))
def identifier_only(parts: Parts, context: Context, use: Use) -> Json | None:
    """The id of a person."""
    return _identifier(parts, context)


@converts("XCN", "string", _XCN)
def as_text(parts: Parts, context: Context, use: Use) -> str | None:
    """The name, else the id."""
    name = name_of(parts, context, suffixes=(), first=2) or {}
    shown = " ".join([*name.get("given", []), *filter(None, [name.get("family")])])
    return shown or component(parts, 1) or None


def person(parts: Parts, context: Context) -> tuple[Json, tuple[Identity, ...]] | None:
    """The resource and the identities of a practitioner; None when nothing is told."""
    if not filled(parts):
        return None
    made: Json = {"resourceType": "Practitioner"}
    identifier = _identifier(parts, context)
    if identifier:
        made["identifier"] = [identifier]
    # A CN of version 2.2 may hold the name in its second component alone.
    name = name_of(parts, context, suffixes=(5, 7, 21), first=2)
    if name:
        kind = component(parts, 10)
        map = context.codes.map("NameType")
        mapped = map.codes.get(kind) if map and kind else None
        if mapped and mapped.code in ("usual", "official", "temp", "nickname", "old", "maiden"):
            name = {"use": mapped.code, **name}
        made["name"] = [name]
    if len(made) == 1:
        return None
    system = (identifier or {}).get("system")
    identities = ((system, identifier["value"]),) if identifier and system else ()
    return made, identities


def _identifier(parts: Parts, context: Context) -> Json | None:
    value = component(parts, 1)
    if not value:
        return None
    kind = component(parts, 13)
    authority = [subcomponent(parts, 9, sub) for sub in (1, 2, 3)]
    system = context.authority(*authority)
    told = "NPI" in (kind, authority[0]) or (not system and whole(parts, 8).upper() == "NPI")
    if told and (not system or _NPI_FORM.fullmatch(value)):
        # There is one register of these numbers, whoever is named as having assigned it.
        system = NPI
    elif not system and context.default_authority():
        # An id of a person and one of a patient of the same facility are different things.
        system = context.default_authority() + ":practitioner"
    made: Json = {"type": _type(kind, context)} if kind and " " not in kind else {}
    if system:
        made["system"] = system
    made["value"] = value
    return made
