"""Value sets and code systems: what is in them, what is under what.

Answers come in three values wherever content may be missing: True, False, or None for "not known
here", as for a filter over SNOMED CT or LOINC, which this package does not carry. Source: FHIR R4,
http://hl7.org/fhir/R4/valueset.html and codesystem.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from terminology.value_sets.builtin import (
    builtin_code_system,
    builtin_code_systems,
    builtin_index,
    builtin_value_set,
    compiled,
)
from terminology.value_sets.code_system import CodeSystemIndex, Hierarchy, Resource, hierarchy
from terminology.value_sets.compose import CompiledValueSet, Compiler

__all__ = [
    "Expansion",
    "Hierarchy",
    "ancestors",
    "builtin_code_system",
    "builtin_code_systems",
    "builtin_value_set",
    "codes",
    "contains",
    "descendants",
    "expand",
    "hierarchy",
    "is_member",
]

Resolve = Callable[[str], Resource | None]

_MOST_CODES = 50_000


@dataclass(frozen=True)
class Expansion:
    """The (system, code) pairs of a value set, in its own order.

    `complete` is False when members may be missing: because a part is not known here, or, with
    `over_limit`, because there are more than the limit.
    """

    codes: tuple[tuple[str, str], ...]
    complete: bool
    over_limit: bool = False


def contains(url: str, system: str | None, code: str) -> bool | None:
    """Whether `code` is in the built-in value set at `url` (`|version` is ignored).

    `system` None stands for any system of the value set. None: the value set, or the part of it
    that decides, is not known here.
    """
    value_set = compiled(url)
    return None if value_set is None else _member(value_set, system, code)


@cache
def codes(url: str) -> frozenset[tuple[str, str]] | None:
    """Every (system, code) pair of a built-in value set; None when they cannot all be listed."""
    value_set = compiled(url)
    listing = value_set.listing(_MOST_CODES) if value_set else None
    return frozenset(listing.pairs) if listing and listing.complete else None


def descendants(system: str, code: str) -> frozenset[str] | None:
    """`code` and all below it in a built-in code system; None when it is not known here."""
    index = _index(system)
    return index.hierarchy.descendants(code) if index else None


def ancestors(system: str, code: str) -> frozenset[str] | None:
    """`code` and all above it in a built-in code system; None when it is not known here."""
    index = _index(system)
    return index.hierarchy.ancestors(code) if index else None


def expand(
    value_set: Resource,
    *,
    resolve_value_set: Resolve,
    resolve_code_system: Resolve,
    limit: int = _MOST_CODES,
) -> Expansion:
    """The members of a ValueSet resource, by its `compose`, else by its `expansion`.

    The two `resolve` functions take a URL without version and give the resource or None;
    `builtin_value_set` and `builtin_code_system` are such functions. References that lead back to
    themselves count as not known.
    """
    compiled_set = _compile(value_set, resolve_value_set, resolve_code_system)
    listing = compiled_set.listing(limit)
    return Expansion(listing.pairs, listing.complete, listing.over_limit)


def is_member(
    value_set: Resource,
    system: str | None,
    code: str,
    *,
    resolve_value_set: Resolve,
    resolve_code_system: Resolve,
) -> bool | None:
    """`contains` for a ValueSet resource; also decides sets that cannot be listed, such as UCUM."""
    compiled_set = _compile(value_set, resolve_value_set, resolve_code_system)
    return _member(compiled_set, system, code)


def _member(value_set: CompiledValueSet, system: str | None, code: str) -> bool | None:
    return value_set.test_any(code) if system is None else value_set.test(system, code)


def _compile(
    value_set: Resource, resolve_value_set: Resolve, resolve_code_system: Resolve
) -> CompiledValueSet:
    def index(system: str) -> CodeSystemIndex | None:
        resource = resolve_code_system(system)
        if resource is None:
            return None
        known = _index(system)
        # The built-in one need not be read again: 3,156 concepts of DICOM take 3 ms.
        return known if known and known.resource is resource else CodeSystemIndex(resource)

    return Compiler(resolve_value_set, index).compile(value_set)


def _index(system: str) -> CodeSystemIndex | None:
    return builtin_index(system) if builtin_code_system(system) is not None else None
