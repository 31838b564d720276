"""PL, DLD and HD as Location: the innermost place, each within the next."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.identifiers import named
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.values import Parts, component, nested, whole

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
# From the outside in: component of PL, code and display of the physical type.
_LEVELS = (
    (4, "si", "Site"),
    (7, "bu", "Building"),
    (8, "lvl", "Level"),
    (1, "wa", "Ward"),
    (2, "ro", "Room"),
    (3, "bd", "Bed"),
)


@converts("PL", "Location", (*range(1, 5), *range(6, 12)))
def location(parts: Parts, context: Context, use: Use) -> Json | None:
    """A Reference to the innermost place that PL names; the outer ones are drafts too."""
    inner: Json | None = None
    path: list[str] = []
    last = max((i for i, level in enumerate(_LEVELS) if component(parts, level[0])), default=-1)
    for at, (number, code, display) in enumerate(_LEVELS):
        name = component(parts, number)
        if not name:
            continue
        path.append(f"{code}={name}")
        identity = (context.local("location", context.facility), "/".join(path))
        made: Json = {
            "resourceType": "Location",
            "identifier": [{"system": identity[0], "value": identity[1]}],
            "name": name,
            "mode": "instance",
            "physicalType": {"coding": [{"system": _PHYSICAL, "code": code, "display": display}]},
        }
        if at == last:
            _own(parts, made, context)
        if inner:
            made["partOf"] = inner
        inner = context.builder.draft(made, (identity,), Policy.REFERENCE_DATA)
    if inner is None and component(parts, 9):
        return _described(whole(parts, 9), context)
    return inner


def _own(parts: Parts, made: Json, context: Context) -> None:
    """PL-9 description, PL-10 the place's own identifier, PL-6 its type, at the innermost."""
    if len(parts) < 6:
        return
    if component(parts, 9):
        made["description"] = whole(parts, 9)
    identifier = named(nested(parts, 10), context)
    if identifier:
        made["identifier"].append(identifier)
    if component(parts, 6):
        made["type"] = [{"text": component(parts, 6)}]


def _described(text: str, context: Context) -> Json:
    identity = (context.local("location", context.facility), text)
    made: Json = {"resourceType": "Location", "description": text, "mode": "instance"}
    made["identifier"] = [{"system": identity[0], "value": identity[1]}]
    return context.builder.draft(made, (identity,), Policy.REFERENCE_DATA)


@converts("DLD", "Location", (1, 2))
def discharge(parts: Parts, context: Context, use: Use) -> Json | None:
    """Where a patient was discharged to: a code, or its text."""
    inner = nested(parts, 1)
    code, text = component(inner, 1), component(inner, 2)
    if not code and not text:
        return None
    return _named(code or text, text or code, context)


@converts(("HD", "CWE", "ST", "EI"), "Location", (1, 2, 3))
def facility(parts: Parts, context: Context, use: Use) -> Json | None:
    """A place named by one word."""
    name = component(parts, 1) or component(parts, 2)
    return _named(name, whole(parts, 2) or name, context) if name else None


@converts("PL", ("string", "markdown"), (1, 2, 3, 4, 7, 8, 9))
def as_text(parts: Parts, context: Context, use: Use) -> str | None:
    """The place in words, from the outside in."""
    names = [text for number, *_ in _LEVELS if (text := component(parts, number))]
    return ", ".join(names) or component(parts, 9) or None


def _named(value: str, name: str, context: Context) -> Json:
    identity = (context.local("location", context.facility), value)
    made: Json = {
        "resourceType": "Location",
        "identifier": [{"system": identity[0], "value": identity[1]}],
        "name": name,
        "mode": "instance",
    }
    return context.builder.draft(made, (identity,), Policy.REFERENCE_DATA)
