"""Extensions that are defined here, wherever they stand in a resource.

Source: http://hl7.org/fhir/R4/extensibility.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_server.definitions.profiles import Profile, profiles
from fhir_server.fhirpath import Node
from fhir_server.fhirpath.node import Location
from fhir_server.resource import Resource

_MEMBERS = ("extension", "modifierExtension")


def defined_extensions(node: Node) -> Iterator[tuple[Node, Profile]]:
    """Every extension in a resource whose URL is that of a definition, with it.

    Resources inside are left out: they are checked for themselves.
    """
    return _within(node.value, node.location or ())


def _within(value: Resource, location: Location) -> Iterator[tuple[Node, Profile]]:
    for key, content in value.items():
        if isinstance(content, dict):
            yield from _inside(content, (*location, key))
        elif isinstance(content, list):
            for position, one in enumerate(content):
                if isinstance(one, dict):
                    at = (*location, key, position)
                    if key in _MEMBERS:
                        yield from _defined(one, at)
                    yield from _inside(one, at)


def _inside(value: dict[str, Any], location: Location) -> Iterator[tuple[Node, Profile]]:
    if "resourceType" not in value:
        yield from _within(value, location)


def _defined(value: dict[str, Any], location: Location) -> Iterator[tuple[Node, Profile]]:
    profile = profiles().get(value.get("url", ""))
    if profile is not None and profile.type == "Extension":
        yield Node("Extension", value, None, location), profile
