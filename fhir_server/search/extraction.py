"""What a resource can be found by: the keys and ranges stored beside it. Decision 0002.

Keys, for a parameter `p`:

    p=system|code  p=|code  p==code  p=system|     tokens; `p=|code` only where there is no system
    p=Type/id      p=https://...                   references, without and with their version
    p=https://...                                  uris and canonicals, the same
    p~folded text  p!exact text                    strings
    ?p                                             anything at all, for :missing
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from fhir_server.dates import range_of
from fhir_server.definitions.search_parameters import parameters_of, patient_compartment
from fhir_server.resource import Resource
from fhir_server.search.path import Walker, compile_path
from fhir_server.search.text import fold, key

INDEXED = frozenset({"token", "reference", "string", "uri", "date"})
"""The search parameter types that are indexed; the others are not offered."""

NOT_INDEXED = frozenset({"phonetic"})
"""Parameters whose meaning plain keys do not have: `phonetic` promises names that sound alike."""

ON_DOCUMENT = frozenset({"_id", "_lastUpdated"})
"""Parameters answered from the document's own fields, without keys."""

_NAME_PARTS = ("family", "text")
_NAME_LISTS = ("given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "city", "district", "state", "postalCode", "country")


@dataclass(frozen=True)
class IndexEntry:
    """Everything to store beside a resource. `ranges` are `{p, lo, hi}`, `patient` a reference."""

    keys: tuple[str, ...]
    ranges: tuple[dict[str, Any], ...]
    patient: str | None


class Indexer:
    """Makes index entries by the R4 search parameter definitions."""

    def index(self, resource: Resource, last_updated: datetime) -> IndexEntry:
        """The entry of a resource. `last_updated` is a field of its own and makes no key."""
        type = resource["resourceType"]
        keys: dict[str, None] = {}
        ranges: list[dict[str, Any]] = []
        for code, kind, walker in walkers(type):
            for node_type, value in walker(type, resource):
                if kind == "date":
                    found = range_of(node_type, value)
                    if found is not None:
                        ranges.append({"p": code, "lo": found[0], "hi": found[1]})
                        keys[f"?{code}"] = None
                    continue
                for made in _KEYS[kind](node_type, value):
                    keys[key(code + made)] = None
                    keys[f"?{code}"] = None
        return IndexEntry(tuple(keys), tuple(ranges), _patient(resource, keys))


@cache
def walkers(type: str) -> tuple[tuple[str, str, Walker], ...]:
    """Code, kind and walker of each indexed parameter of a resource type."""
    found = []
    for code, parameter in sorted(parameters_of(type).items()):
        if parameter.type in INDEXED and code not in ON_DOCUMENT | NOT_INDEXED:
            walker = compile_path(parameter.expression, type)
            if walker is not None:
                found.append((code, parameter.type, walker))
    return tuple(found)


def _patient(resource: Resource, keys: dict[str, None]) -> str | None:
    type = resource["resourceType"]
    if type == "Patient":
        return f"Patient/{resource['id']}"
    for code in patient_compartment(type):
        start = f"{code}=Patient/"
        for made in keys:
            if made.startswith(start):
                return made.removeprefix(f"{code}=")
    return None


def _token(type: str, value: Any) -> Iterator[str]:
    if type == "CodeableConcept":
        for coding in value.get("coding", ()):
            yield from _token("Coding", coding)
    elif type in ("Coding", "Identifier"):
        yield from _pair(value.get("system"), value.get("code" if type == "Coding" else "value"))
    elif type == "ContactPoint":
        yield from _pair(None, value.get("value"))
    elif isinstance(value, bool):
        yield from _pair(None, "true" if value else "false")
    elif isinstance(value, str):
        yield from _pair(None, value)


def _pair(system: Any, code: Any) -> Iterator[str]:
    if code is not None:
        yield f"=={code}"
        yield f"={system}|{code}" if system else f"=|{code}"
    if system:
        yield f"={system}|"


def _reference(type: str, value: Any) -> Iterator[str]:
    reference = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(reference, str) or reference.startswith("#"):
        return
    current, versioned, _ = reference.partition("/_history/")
    if isinstance(value, dict) and versioned:
        yield f"={current}"
        yield f"={reference}"
    else:
        yield from _uri(type, reference)


def _string(type: str, value: Any) -> Iterator[str]:
    for text in _texts(type, value):
        yield f"~{fold(text)}"
        yield f"!{text}"


def _texts(type: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif type == "HumanName":
        yield from (value[part] for part in _NAME_PARTS if part in value)
        for part in _NAME_LISTS:
            yield from (one for one in value.get(part, ()) if one)
    elif type == "Address":
        yield from (value[part] for part in _ADDRESS_PARTS if part in value)
        yield from (line for line in value.get("line", ()) if line)


def _uri(type: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        return
    url, versioned, _ = value.partition("|")
    if type == "canonical" and versioned:
        yield f"={url}"
    yield f"={value}"


_KEYS: dict[str, Callable[[str, Any], Iterator[str]]] = {
    "token": _token,
    "reference": _reference,
    "string": _string,
    "uri": _uri,
}
