"""Paths of a FHIRPath Patch to places in a resource's JSON.

Of FHIRPath: names from the type downwards, `[n]`, `first()`, `last()`, `single()` and
`where(name = 'value')`, which is what patches are written with. Any other expression is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.elements import Element, elements_of
from fhir_server.errors import InvalidResource
from fhir_server.resource import Resource

_STEP = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<tail>(\[\d+\])?)$"
    r"|(?P<end>first|last|single)\(\)$"
    r"|where\(\s*(?P<member>[A-Za-z]+)\s*=\s*(?P<wanted>'[^']*'|true|false|-?\d+)\s*\)(?P<index>(\[\d+\])?)$"
)
_DOT = re.compile(r"\.(?![^(]*\))")


@dataclass(frozen=True)
class Place:
    """One element: where it stands (`holder[key]`, or in the list there), and its type.

    The resource itself has no holder.
    """

    holder: dict[str, Any] | None
    key: str
    position: int | None
    type: str

    @property
    def value(self) -> Any:
        """What stands there."""
        assert self.holder is not None
        found = self.holder[self.key]
        return found if self.position is None else found[self.position]


def places(path: str, resource: Resource) -> list[Place]:
    """Every element that `path` selects. Raises `InvalidResource` for what is no such path."""
    first, *steps = _DOT.split(path.strip())
    type = resource["resourceType"]
    if first not in (type, "Resource", "DomainResource"):
        raise InvalidResource(f"The path of an operation begins with {type}.")
    root = {"": resource}
    found = [Place(root, "", None, type)]
    for step in steps:
        match = _STEP.match(step)
        if match is None:
            raise InvalidResource(
                "A path here has names, [n], first(), last(), single() and where(name = 'value')."
            )
        found = _step(match, found)
    return found


def _step(match: re.Match[str], found: list[Place]) -> list[Place]:
    if match["end"]:
        return found[-1:] if match["end"] == "last" else found[:1]
    if match["member"]:
        kept = [one for one in found if _holds(one, match["member"], match["wanted"])]
        return _indexed(kept, match["index"])
    below = [child for one in found for child in _children(one, match["name"])]
    return _indexed(below, match["tail"])


def _indexed(found: list[Place], tail: str) -> list[Place]:
    if not tail:
        return found
    index = int(tail[1:-1])
    return found[index : index + 1]


def _holds(place: Place, member: str, wanted: str) -> bool:
    value = place.value
    if not isinstance(value, dict):
        return False
    plain = wanted[1:-1] if wanted[0] == "'" else wanted
    here = value.get(member)
    text = str(here).lower() if isinstance(here, bool) else str(here)
    return here is not None and text == plain


def _children(place: Place, name: str) -> Iterator[Place]:
    value = place.value
    if not isinstance(value, dict):
        return
    element = element_of(place.type, name)
    for type in element.types:
        key = name + type[0].upper() + type[1:] if element.choice else name
        held = value.get(key)
        if isinstance(held, list):
            yield from (Place(value, key, position, type) for position in range(len(held)))
        elif held is not None:
            yield Place(value, key, None, type)


def element_of(type: str, name: str) -> Element:
    """The element `name` of a type. Raises `InvalidResource` when there is none."""
    element = elements_of(type.removeprefix("@")).get(name)
    if element is None:
        raise InvalidResource(f"{type.removeprefix('@')} has no element {name[:64]}.")
    return element
