"""XAD and AD as Address, XTN and TN as ContactPoint."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.datatypes.times import period_of
from integrations.hl7v2.mapping.values import Parts, component, nested

_CENSUS = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-censusTract"
_POINT = "http://hl7.org/fhir/StructureDefinition/contactpoint-"
_DIGITS = 5
_INTERNET = ("INTERNET", "X.400")
# Table 0201 (use) beyond what the guide's map holds: it has no code for an address of e-mail.
_USES = {"PRN": "home", "ORN": "home", "VHN": "home", "WPN": "work", "PRS": "mobile"}
_SYSTEMS = {"PH": "phone", "FX": "fax", "CP": "phone", "SAT": "phone", "BP": "pager",
            "MD": "other", "TDD": "other", "TTY": "other"}  # fmt: skip


@converts("XAD", "Address", (*range(1, 11), 12, 13, 14, 19, 20))
def address(parts: Parts, context: Context, use: Use) -> Json | None:
    """An address; SAD puts the street before its name and number."""
    made: Json = {}
    lines = [text for number in (1, 2, 19) if (text := component(parts, number))]
    if lines:
        made["line"] = lines
    for number, name in ((3, "city"), (9, "district"), (4, "state"), (5, "postalCode")):
        if component(parts, number):
            made[name] = component(parts, number)
    country = component(parts, 6)
    if country:
        made["country"] = country
    if len(parts) > 6:
        _kind(parts, made, context)
        span = nested(parts, 12)
        period = period_of(
            component(parts, 13) or component(span, 1),
            component(parts, 14) or component(span, 2),
            context,
        )
        if period:
            made["period"] = period
        if component(parts, 10):
            made["extension"] = [{"url": _CENSUS, "valueString": component(parts, 10)}]
        if component(parts, 8):
            made["text"] = component(parts, 8)
    return made or None


def _kind(parts: Parts, made: Json, context: Context) -> None:
    """XAD-7: a use, a type, or neither."""
    kind = component(parts, 7)
    if not kind or not made:
        return
    for name, map in (("use", "AddressType[Use]"), ("type", "AddressType[Type]")):
        held = context.codes.map(map)
        target = held.codes.get(kind) if held else None
        if target:
            made[name] = target.code
            return
    context.problem("an address type that FHIR has no use for")


@converts("XTN", "ContactPoint", (*range(1, 15), 18))
def contact_point(parts: Parts, context: Context, use: Use) -> Json | None:
    """A number or an address, by the rules of the guide for what makes up the value."""
    use_code, equipment = component(parts, 2), component(parts, 3).upper()
    mail = component(parts, 4)
    number, extension = _number(parts), []
    if mail and not number and equipment in _SYSTEMS and "@" not in mail:
        number, mail = mail, ""  # a telephone says that it is one; its number is a component late
    if equipment in _INTERNET or use_code == "NET" or (mail and not number):
        value, system = mail or component(parts, 1), "email"
    else:
        value, system = number, _SYSTEMS.get(equipment, "phone")
        extension = _pieces(parts)
    if not value:
        context.problem("a telephone number or address without one")
        return None
    made: Json = {"extension": extension} if extension else {}
    made |= {"system": system, "value": value}
    held = "mobile" if equipment == "CP" else _USES.get(use_code)
    if held:
        made["use"] = held
    rank = component(parts, 18)
    if rank.isdigit() and 0 < int(rank) < 1000:
        made["rank"] = int(rank)
    if len(parts) > 12:
        period = period_of(component(parts, 13), component(parts, 14), context)
        if period:
            made["period"] = period
    return made


def _number(parts: Parts) -> str:
    """XTN-12 as dialled, else its pieces, else what XTN-1 says."""
    if component(parts, 12):
        return component(parts, 12)
    country, area, local, extension = (component(parts, n) for n in (5, 6, 7, 8))
    if not local:
        return component(parts, 1) or _misplaced(parts)
    pieces = [f"+{country.lstrip('+')}" if country else "", area, local]
    return " ".join(p for p in pieces if p) + (f" X{extension}" if extension else "")


def _misplaced(parts: Parts) -> str:
    """A number in XTN-9 to XTN-11, which senders count wrongly."""
    found = (text for number in (9, 10, 11) if (text := component(parts, number)))
    return next((text for text in found if sum(map(str.isdigit, text)) >= _DIGITS), "")


def _pieces(parts: Parts) -> list[Json]:
    names = ((5, "country"), (6, "area"), (7, "local"), (8, "extension"))
    return [
        {"url": _POINT + name, "valueString": component(parts, number)}
        for number, name in names
        if component(parts, number)
    ]
