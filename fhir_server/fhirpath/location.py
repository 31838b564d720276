"""From a place in the JSON to its FHIRPath: `("name", 0, "_given")` is `Patient.name[0].given`."""

from __future__ import annotations

from functools import cache

from fhir_server.definitions.elements import elements_of
from fhir_server.fhirpath.node import Location, is_primitive, members
from fhir_server.resource import Resource


def expression_of(resource: Resource, location: Location) -> str:
    """The FHIRPath of a place, with the list positions; choices by `chosen`."""
    type = resource["resourceType"]
    here: object = resource
    text = str(type)
    for step in location:
        here = _below(here, step)
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name, type = _element("Element" if is_primitive(type) else type, step)
            text += f".{name}"
        if isinstance(here, dict) and type == "Resource":
            type = str(here.get("resourceType"))
    return text


def _below(here: object, step: str | int) -> object:
    if isinstance(here, dict):
        return here.get(step)
    return here[step] if isinstance(here, list) and isinstance(step, int) else None


@cache
def _element(type: str, member: str) -> tuple[str, str]:
    """The name and type of the element that a JSON member holds."""
    plain = member.removeprefix("_")
    for name, element in elements_of(type).items():
        for key, one in members(type, name):
            if key == plain:
                return chosen(name, one) if element.choice else name, one
    return plain, "Element"


def chosen(name: str, type: str) -> str:
    """The step to a choice element of one type: `value.ofType(Quantity)`.

    `valueQuantity` is no FHIRPath, and `value` alone leaves open which JSON member is meant.
    """
    return f"{name}.ofType({type})"
