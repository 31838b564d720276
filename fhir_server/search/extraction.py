"""What a resource can be found by: the index entry stored beside it. Decisions 0002 and 0005.

Keys, for a parameter `p` (the forms of each kind are in `keys`):

    p=system|code  p=|code  p==code  p=system|     tokens; `~code` where case does not count
    p=Type/id      p=https://...  p@system|value   references; uris and canonicals
    p~folded text  p!exact text   p^...            strings, the texts of tokens; `:of-type`
    ?p                                             anything at all, for :missing

Ranges are `{p, lo, hi}`: dates, half-open, and numbers and quantities, closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.dates import range_of
from fhir_server.definitions.search_parameters import patient_compartment
from fhir_server.resource import Resource
from fhir_server.search import composites
from fhir_server.search.amounts import Amount, amounts
from fhir_server.search.contained import inner_entries, with_typed_references
from fhir_server.search.fulltext import words_of
from fhir_server.search.guards import GUARDED, guard_in, guard_key
from fhir_server.search.keys import (
    reference_keys,
    sound_keys,
    string_keys,
    token_keys,
    uri_keys,
)
from fhir_server.search.path import Node
from fhir_server.search.position import place_of
from fhir_server.search.registry import Registry
from fhir_server.search.sort_keys import SortValue, sort_number, sort_text
from fhir_server.search.text import key


@dataclass(frozen=True)
class IndexEntry:
    """Everything to store beside a resource. `patient` is a literal reference.

    `others` are more patients in whose compartments it is, and those it names by absolute URLs.
    """

    keys: tuple[str, ...]
    ranges: tuple[dict[str, Any], ...]
    patient: str | None
    composites: tuple[dict[str, Any], ...] = ()
    sort: dict[str, SortValue] | None = None
    sort_last: dict[str, SortValue] | None = None
    words: tuple[str, ...] = ()
    place: dict[str, float] | None = None
    inside: tuple[dict[str, Any], ...] = ()
    others: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """The entry as fields of the stored document; those that are empty are left out."""
        found = {
            "c": list(self.composites),
            "s": self.sort,
            "z": self.sort_last,
            "w": list(self.words),
            "geo": self.place,
            "in": list(self.inside),
            "pats": list(self.others),
        }
        return {
            "k": list(self.keys),
            "r": list(self.ranges),
            "pat": self.patient,
            **{name: value for name, value in found.items() if value},
        }


class Forms:
    """The forms of the values of one resource, without a parameter's code, each made once.

    Several parameters find one value: `code` of an Observation is that of `combo-code` and of three
    composites, and exact arithmetic in base units takes longest of all.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, int], tuple[Any, Sequence[Any]]] = {}

    def keys(self, kind: str, type: str, value: Any) -> Sequence[str]:
        """The keys of a value that a parameter of `kind` finds."""
        return self._once(kind, type, value, _KEYS[kind])

    def amounts(self, type: str, value: Any) -> Sequence[Amount]:
        """The ranges of a number or quantity."""
        return self._once("amounts", type, value, amounts)

    def find(self, kind: str, type: str, value: Any) -> tuple[list[str], list[dict[str, Any]]]:
        """The keys and ranges of a value."""
        if kind == "date":
            found = range_of(type, value)
            return [], [] if found is None else [{"p": "", "lo": found[0], "hi": found[1]}]
        if kind in _RANGED:
            measured = self.amounts(type, value)
            return [], [{"p": form, "lo": lo, "hi": hi} for form, lo, hi in measured]
        return [key(form) for form in self.keys(kind, type, value)], []

    def _once(
        self, kind: str, type: str, value: Any, make: Callable[[str, Any], Iterable[Any]]
    ) -> Sequence[Any]:
        known = self._made.get((kind, type, id(value)))
        if known is None:
            # With the value itself, so that no other one gets its id.
            known = self._made[kind, type, id(value)] = value, tuple(make(type, value))
        return known[1]


class Indexer:
    """Makes index entries by a registry of search parameters."""

    def __init__(self, registry: Registry | None = None) -> None:
        self.registry = registry or Registry()

    def index(self, resource: Resource, last_updated: datetime) -> IndexEntry:
        """The entry of a resource. `last_updated` is a field of its own and makes no key."""
        return _index(resource, self.registry)


def _index(resource: Resource, registry: Registry) -> IndexEntry:
    return _Entry(with_typed_references(resource)).made(registry)


class _Entry:
    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._type: str = resource["resourceType"]
        self._keys: dict[str, None] = {}
        self._ranges: list[dict[str, Any]] = []
        self._first: dict[str, SortValue] = {}
        self._last: dict[str, SortValue] = {}
        self._place: dict[str, float] | None = None
        self._inside: list[tuple[str, str]] = []
        self._forms = Forms()

    def made(self, registry: Registry) -> IndexEntry:
        there = self._resource.keys()
        for code, kind, walker in registry.walkers(self._type):
            # Of the 35 parameters of an Observation 25 ask for members that it does not have.
            if walker.roots is None or not walker.roots.isdisjoint(there):
                self._parameter(code, kind, walker(self._type, self._resource))
        found = registry.composites(self._type)
        joint = (
            tuple(composites.elements(found, self._type, self._resource, self._forms.find))
            if found
            else ()
        )
        for element in joint:
            self._keys.update((f"?{code}", None) for code in element["p"])
        if self._type == GUARDED:
            self._keys[key(guard_key(guard_in(self._resource)))] = None
        patient = _patient(self._resource, self._keys)
        return IndexEntry(
            keys=tuple(self._keys),
            ranges=tuple(self._ranges),
            patient=patient,
            others=_others(self._type, self._keys, patient),
            composites=joint,
            sort=self._first,
            sort_last={c: v for c, v in self._last.items() if v != self._first[c]},
            words=words_of(self._resource),
            place=self._place,
            inside=tuple(
                inner_entries(
                    self._resource, self._inside, lambda one: _index(one, registry).fields()
                )
            ),
        )

    def _parameter(self, code: str, kind: str, nodes: Iterable[Node]) -> None:
        there = False
        for type, value in nodes:
            if kind == "special":
                self._place = place_of(value)
                there = there or self._place is not None
                continue
            if kind in _RANGED:
                there = self._ranged(code, kind, type, value) or there
                continue
            if kind == "reference" and _is_inside(value):
                self._inside.append((code, value["reference"]))
            made = False
            for form in self._forms.keys(kind, type, value):
                self._keys[key(code + form)] = None
                made = True
            if made and kind != "phonetic":
                self._sort(code, sort_text(kind, type, value))
            there = there or made
        if there:
            self._keys[f"?{code}"] = None

    def _ranged(self, code: str, kind: str, type: str, value: Any) -> bool:
        if kind == "date":
            found = range_of(type, value)
            if found is None:
                return False
            self._ranges.append({"p": code, "lo": found[0], "hi": found[1]})
            self._sort(code, found[0])
            return True
        measured = self._forms.amounts(type, value)
        self._ranges += [{"p": code + form, "lo": lo, "hi": hi} for form, lo, hi in measured]
        self._sort(code, sort_number(measured))
        return bool(measured)

    def _sort(self, code: str, value: SortValue | None) -> None:
        if value is None:
            return
        # A parameter's values are all of one kind, so they compare.
        first, last = self._first.get(code, value), self._last.get(code, value)
        self._first[code] = min(first, value)
        self._last[code] = max(last, value)


def _is_inside(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("reference", "")).startswith("#")


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


def _others(type: str, keys: dict[str, None], patient: str | None) -> tuple[str, ...]:
    codes = patient_compartment(type)
    found: dict[str, None] = {}
    for made in keys:
        if "Patient/" not in made:
            continue
        code, _, target = made.partition("=")
        parts = target.partition("/_history/")[0].split("/")
        if code in codes and len(parts) > 1 and parts[-2] == "Patient":
            found[f"Patient/{parts[-1]}"] = None
    return tuple(one for one in found if one != patient)


_RANGED = frozenset({"date", "number", "quantity"})
_KEYS: dict[str, Callable[[str, Any], Iterator[str]]] = {
    "token": token_keys,
    "reference": reference_keys,
    "string": string_keys,
    "uri": uri_keys,
    "phonetic": sound_keys,
}
