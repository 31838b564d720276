"""CX, EI, EIP, HD, DLN and PLN as Identifier; an identifier as a logical Reference."""

from __future__ import annotations

from integrations.hl7v2.mapping.codes import V2_SYSTEM
from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.datatypes.times import period_of
from integrations.hl7v2.mapping.values import Parts, component, nested, subcomponent

NPI = "http://hl7.org/fhir/sid/us-npi"
SSN = "http://hl7.org/fhir/sid/us-ssn"
_CHECK_DIGIT = "http://hl7.org/fhir/StructureDefinition/identifier-checkDigit"


@converts("CX", "Identifier", (*range(1, 11),))
def composite(parts: Parts, context: Context, use: Use) -> Json | None:
    """The value under its assigning authority, with type and period."""
    value = component(parts, 1)
    if not value:
        context.problem("an identifier without a value")
        return None
    made: Json = {}
    digit = component(parts, 2)
    if digit:
        made["extension"] = [{"url": _CHECK_DIGIT, "valueString": digit}]
    kind = component(parts, 5)
    if kind and " " not in kind:
        made["type"] = _type(kind, context)
    made["system"] = _system(parts, 4, kind, context)
    made["value"] = value
    if not made["system"]:
        del made["system"]
    period = period_of(component(parts, 7), component(parts, 8), context)
    if period:
        made["period"] = period
    assigner = component(parts, 6) or component(parts, 4)
    if assigner:
        made["assigner"] = {"display": assigner}
    return made


@converts("EI", "Identifier", (1, 2, 3, 4))
def entity(parts: Parts, context: Context, use: Use) -> Json | None:
    """Entity identifier: value, namespace, universal id and its type."""
    return named(parts, context)


@converts("EIP", "Identifier", (1, 2))
def pair(parts: Parts, context: Context, use: Use) -> Json | None:
    """The placer's identifier of a pair, else the filler's."""
    return placer(parts, context, use) or filler(parts, context, use)


@converts("EIP", "Identifier:placer", (1,))
def placer(parts: Parts, context: Context, use: Use) -> Json | None:
    """The first of the pair."""
    return _typed(named(nested(parts, 1), context), "PLAC")


@converts("EIP", "Identifier:filler", (2,))
def filler(parts: Parts, context: Context, use: Use) -> Json | None:
    """The second of the pair."""
    return _typed(named(nested(parts, 2), context), "FILL")


@converts("HD", "Identifier", (1, 2, 3))
def designator(parts: Parts, context: Context, use: Use) -> Json | None:
    """A namespace or universal id as an identifier."""
    value = component(parts, 1) or component(parts, 2)
    return {"value": value} if value else None


@converts(("ST", "NM"), "Identifier", (1, 2, 3, 4, 5))
def plain(parts: Parts, context: Context, use: Use) -> Json | None:
    """A text; where a later version has a composite one, that."""
    if any(component(parts, number) for number in (2, 3, 4)):
        return composite(parts, context, use)
    value = component(parts, 1)
    return {"value": value} if value else None


@converts("CWE", "Identifier", (1, 2, 3))
def coded(parts: Parts, context: Context, use: Use) -> Json | None:
    """A code as an identifier in its coding system."""
    value = component(parts, 1)
    if not value:
        return None
    system = context.codes.system(component(parts, 3)) or context.default_authority()
    return {"system": system, "value": value} if system else {"value": value}


@converts("DLN", "Identifier", (1, 2, 3))
def licence(parts: Parts, context: Context, use: Use) -> Json | None:
    """A driver's licence: number, issuer, end of validity."""
    value = component(parts, 1)
    if not value:
        return None
    made: Json = {"type": _type("DL", context)}
    issuer = component(parts, 2)
    if issuer:
        made["system"] = context.local("driver-licence", issuer)
    made["value"] = value
    period = period_of("", component(parts, 3), context)
    if period:
        made["period"] = period
    if issuer:
        made["assigner"] = {"display": issuer}
    return made


@converts("PLN", "Identifier", (1, 2, 3, 4))
def practitioner_licence(parts: Parts, context: Context, use: Use) -> Json | None:
    """A practitioner's licence: number, kind, state, end of validity."""
    value, kind, state = (component(parts, number) for number in (1, 2, 3))
    if not value:
        return None
    made: Json = {"type": _type(kind, context)} if kind and " " not in kind else {}
    system = NPI if kind == "NPI" else context.local("licence", kind, state)
    made |= {"system": system, "value": value}
    period = period_of("", component(parts, 4), context)
    return made | ({"period": period} if period else {})


@converts(("EI", "CX", "ST", "CWE"), "Reference", (*range(1, 6),))
def logical(parts: Parts, context: Context, use: Use) -> Json | None:
    """A thing that the message names by its identifier alone."""
    identifier = named(parts, context)
    if identifier is None:
        return None
    kind = {"type": next(iter(use.targets))} if len(use.targets) == 1 else {}
    return {**kind, "identifier": identifier}


@converts("EIP", "Reference", (1, 2))
def logical_pair(parts: Parts, context: Context, use: Use) -> Json | None:
    """The same by the placer's identifier, else by the filler's."""
    for number in (1, 2):
        found = logical(nested(parts, number), context, use)
        if found:
            return found
    return None


@converts("HD", ("uri", "url"), (1, 2, 3))
def address(parts: Parts, context: Context, use: Use) -> str | None:
    """An application or facility as a URI."""
    return context.authority(*(component(parts, number) for number in (1, 2, 3))) or None


@converts("HD", "string", (1, 2))
def name(parts: Parts, context: Context, use: Use) -> str | None:
    """An application or facility by its namespace."""
    return component(parts, 1) or component(parts, 2) or None


@converts(("EI", "CX", "EIP"), "string", (1,))
def bare(parts: Parts, context: Context, use: Use) -> str | None:
    """The value alone."""
    return component(parts, 1) or None


def named(parts: Parts, context: Context) -> Json | None:
    """EI, or a pair's half, as an Identifier.

    A universal id without an entity of its own is the identifier itself: some senders put a
    document's number there.
    """
    value = component(parts, 1)
    if not value:
        return _universal(component(parts, 3), component(parts, 2), context)
    authority = [component(parts, number) for number in (2, 3, 4)]
    if not any(authority[1:]) and subcomponent(parts, 2, 3):
        # Some write the whole designator into EI-2, as it stands in CX-4.
        authority = [subcomponent(parts, 2, sub) for sub in (1, 2, 3)]
    system = context.authority(*authority) or context.default_authority()
    return {"system": system, "value": value} if system else {"value": value}


def _universal(id: str, namespace: str, context: Context) -> Json | None:
    if not id:
        return None
    system = context.authority(namespace) or context.default_authority()
    return {"system": system, "value": id} if system else {"value": id}


def _system(parts: Parts, number: int, kind: str, context: Context) -> str:
    system = context.authority(*(subcomponent(parts, number, sub) for sub in (1, 2, 3)))
    if system or kind == "SS":
        return system or SSN
    return context.default_authority()


def _type(kind: str, context: Context) -> Json:
    map = context.codes.map("IdentifierType")
    known = map.codes.get(kind) if map else None
    made = {"code": kind}
    if known:
        made = {"system": known.system or V2_SYSTEM + "0203", "code": known.code}
        if known.display:
            made["display"] = known.display
    return {"coding": [made]}


def _typed(identifier: Json | None, code: str) -> Json | None:
    if identifier is None:
        return None
    return {"type": {"coding": [{"system": V2_SYSTEM + "0203", "code": code}]}, **identifier}
