"""The profiles that a resource says it meets. http://hl7.org/fhir/R4/resource.html#Meta"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_server.definitions.profiles import profiles
from fhir_server.fhirpath.node import Location
from fhir_server.resource import Resource

Inner = tuple[Resource, Location, bool]
"""A resource in another one, its place, and whether it is contained, which an entry is not."""


def claimed(resource: Resource) -> tuple[str, ...]:
    """The canonical URLs in meta.profile that are known here."""
    return tuple(url for url in _named(resource) if url in profiles())


def unknown(resource: Resource) -> tuple[tuple[int, str], ...]:
    """Position and URL of those that are not."""
    listed = enumerate(_named(resource))
    return tuple((position, url) for position, url in listed if url and url not in profiles())


def _named(resource: Resource) -> list[str]:
    # A primitive list may hold null beside an extension.
    return [url or "" for url in resource.get("meta", {}).get("profile", ())]


def inner_resources(resource: Resource, location: Location = ()) -> Iterator[Inner]:
    """The resources that are contained, or that a Bundle or Parameters holds, one level down."""
    for position, one in enumerate(resource.get("contained", ())):
        yield one, (*location, "contained", position), True
    kind = resource.get("resourceType")
    if kind == "Bundle":
        for position, entry in enumerate(resource.get("entry", ())):
            if "resource" in entry:
                yield entry["resource"], (*location, "entry", position, "resource"), False
    elif kind == "Parameters":
        for position, one in enumerate(resource.get("parameter", ())):
            if "resource" in one:
                yield one["resource"], (*location, "parameter", position, "resource"), False
