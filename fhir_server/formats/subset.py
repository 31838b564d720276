"""Parts of resources: `_summary` and `_elements`. FHIR R4 3.1.1.5.7 and 3.1.1.5.8.

What is left out says so: the tag SUBSETTED in `meta`. A resource of which nothing is left out is
answered as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.elements import Element, elements_of
from fhir_server.errors import InvalidParameter
from fhir_server.resource import Resource, dumps, loads

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}
MODES = ("true", "text", "data", "count", "false")
_ALWAYS = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True)
class Subset:
    """What to keep: a mode of `_summary`, or the elements named."""

    mode: str | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, summary: str | None, elements: str | None) -> Subset | None:
        """The subset asked for, None for the whole. Raises `InvalidParameter`."""
        if summary not in (None, *MODES):
            raise InvalidParameter(f"_summary takes one of: {', '.join(MODES)}.")
        plain = summary in (None, "false", "count")
        if elements is None:
            return None if plain else cls(mode=summary)
        if not plain:
            raise InvalidParameter("Ask for _summary or _elements, not for both.")
        names = tuple(name.strip() for name in elements.split(","))
        if not all(names):
            raise InvalidParameter("_elements names no element, or none between two commas.")
        return cls(names=names)

    def of(self, resource: Resource) -> Resource:
        """The part of a resource."""
        type = resource["resourceType"]
        if type == "Bundle":
            return self._bundle(resource)
        if self.names:
            kept = _named(resource, type, self.names)
        elif self.mode == "true":
            kept = _summary(resource, type)
        elif self.mode == "text":
            kept = _top(resource, type, {"text"})
        else:
            kept = {
                name: value for name, value in resource.items() if name not in ("text", "_text")
            }
        return kept if kept == resource else _tagged(kept)

    def bytes_of(self, raw: bytes) -> bytes:
        """The part of a serialised resource."""
        return dumps(self.of(loads(raw)))

    def _bundle(self, resource: Resource) -> Resource:
        # R4 3.1.1.5.7: the summary of a Bundle is that of its entries.
        entries = [
            {**entry, "resource": self.of(entry["resource"])} if "resource" in entry else entry
            for entry in resource.get("entry", [])
        ]
        return {**resource, **({"entry": entries} if entries else {})}


def _tagged(resource: Resource) -> Resource:
    meta = resource.get("meta", {})
    tags = [one for one in meta.get("tag", []) if one.get("code") != SUBSETTED["code"]]
    marked = {**meta, "tag": [*tags, SUBSETTED]}
    head: Resource = {name: resource[name] for name in ("resourceType", "id") if name in resource}
    return {**head, "meta": marked, **{n: v for n, v in resource.items() if n not in _ALWAYS}}


def _top(resource: Resource, type: str, names: Iterable[str]) -> Resource:
    """The elements named, and those that the type demands."""
    wanted = {*names, *(one.name for one in elements_of(type).values() if one.required)}
    return {
        name: value
        for name, value in resource.items()
        if name in _ALWAYS or _element_name(type, name) in wanted
    }


def _element_name(type: str, member: str) -> str | None:
    """The element that a JSON property belongs to: `value` of `valueString` and `_valueString`."""
    name = member.removeprefix("_")
    elements = elements_of(type)
    if name in elements:
        return name
    for element in elements.values():
        if element.choice and name.startswith(element.name):
            return element.name
    return None


def _summary(value: dict[str, Any], type: str) -> dict[str, Any]:
    """The elements that the definition marks as summary, below those too."""
    kept: dict[str, Any] = {}
    for member, content in value.items():
        name = _element_name(type, member)
        element = elements_of(type).get(name or "")
        if member in ("resourceType", "id") or element is None:
            kept[member] = content
        elif element.summary or (element.required and element.name != "text"):
            kept[member] = _below(content, element, member)
    return kept


def _below(content: Any, element: Element, member: str) -> Any:
    if member.startswith("_"):
        return content
    if isinstance(content, list):
        return [_below(one, element, member) for one in content]
    path = element.types[0]
    # Data types are kept whole: their own summary elements are nearly all they have.
    if isinstance(content, dict) and path.startswith("@"):
        return _summary(content, path.removeprefix("@"))
    return content


def _named(resource: Resource, type: str, names: Sequence[str]) -> Resource:
    paths = [name.removeprefix(f"{type}.").split(".") for name in names]
    own = [path for path in paths if path[0] not in ("Resource", "DomainResource")]
    return _paths(resource, type, own, top=True)


def _paths(
    value: dict[str, Any], type: str, paths: Sequence[Sequence[str]], *, top: bool = False
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for member, content in value.items():
        name = _element_name(type, member)
        element = elements_of(type).get(name or "")
        below = [path[1:] for path in paths if path[0] == name]
        if top and member in _ALWAYS:
            kept[member] = content
        elif element is not None and (element.required or below):
            deeper = [path for path in below if path]
            whole = not deeper or len(deeper) < len(below)
            kept[member] = content if whole else _deeper(content, element, deeper)
    return kept


def _deeper(content: Any, element: Element, paths: Sequence[Sequence[str]]) -> Any:
    if isinstance(content, list):
        return [_deeper(one, element, paths) for one in content]
    if not isinstance(content, dict):
        return content
    return _paths(content, element.types[0].removeprefix("@"), paths)
