"""XPN and PN as HumanName."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.datatypes.times import period_of
from integrations.hl7v2.mapping.values import Parts, component, nested, subcomponent

_ASSEMBLY = "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order"
_OWN_PREFIX = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
# Table 4000: alphabetic, ideographic, phonetic.
_SCRIPTS = {"A": "ABC", "I": "IDE", "P": "SYL"}
_USES = frozenset(("usual", "official", "temp", "nickname", "anonymous", "old", "maiden"))


@converts("XPN", "HumanName", (*range(1, 9), *range(10, 16)))
def human_name(parts: Parts, context: Context, use: Use) -> Json | None:
    """A person's name."""
    made = name_of(parts, context, suffixes=(4, 6, 14))
    kind = component(parts, 7)
    if kind and made is not None:
        map = context.codes.map("NameType")
        mapped = map.codes.get(kind) if map else None
        if mapped and mapped.code in _USES:
            made = {"use": mapped.code, **made}
        elif kind not in ("U", "S"):
            context.problem("a name type that FHIR has no use for")
    if made is None:
        return None
    span = nested(parts, 10)
    period = period_of(
        component(parts, 12) or component(span, 1), component(parts, 13) or component(span, 2),
        context,
    )  # fmt: skip
    if period:
        made["period"] = period
    order = component(parts, 11)
    map = context.codes.map("NameAssemblyOrder")
    if order and map and order in map.codes:
        made["extension"] = [{"url": _ASSEMBLY, "valueCode": map.codes[order].code}]
    script = _SCRIPTS.get(component(parts, 8))
    if script:
        made.setdefault("extension", []).append({"url": _REPRESENTATION, "valueCode": script})
    called = component(parts, 15)
    if called:
        made["text"] = called
    return made


@converts("XPN", "string", (1, 2, 3, 4, 5, 6))
def name_text(parts: Parts, context: Context, use: Use) -> str | None:
    """A name as one text; of a mother's maiden name the family name is what is meant."""
    return component(parts, 1) or component(parts, 2) or None


def name_of(
    parts: Parts, context: Context, *, suffixes: tuple[int, ...], first: int = 1
) -> Json | None:
    """Family, given, suffixes and prefix; `first` is the component of the family name."""
    made: Json = {}
    family = component(parts, first)
    own_prefix, own = subcomponent(parts, first, 2), subcomponent(parts, first, 3)
    if family:
        made["family"] = family
        if own_prefix and own:
            made["_family"] = {"extension": [{"url": _OWN_PREFIX, "valueString": own_prefix}]}
    given = [text for number in (first + 1, first + 2) if (text := component(parts, number))]
    if given:
        made["given"] = given
    prefix = component(parts, first + 4)
    if prefix:
        made["prefix"] = [prefix]
    held = [text for number in suffixes if (text := component(parts, number))]
    if held:
        made["suffix"] = held
    return made or None
