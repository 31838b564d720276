"""What a search asks for, as a tree. FHIR R4 3.1.1.

`Clause` is a leaf that a filter can be made of at once. `Chain`, `Reverse`, `Listed` and the
modifiers that need a code system or a hierarchy are resolved first, into `Keys` and `Ids`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_server.definitions.search_parameters import SearchParameter

RESOLVED_MODIFIERS = frozenset({"in", "not-in", "above", "below"})
"""Modifiers of tokens and references that need more than the resource itself."""


@dataclass(frozen=True)
class Clause:
    """One parameter with the values any of which will do. `modifier` may be a resource type."""

    parameter: SearchParameter
    modifier: str | None
    values: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """`subject.name=x`: `parameter` refers to a resource that meets the criterion of its type."""

    parameter: SearchParameter
    inner: Mapping[str, Criterion]


@dataclass(frozen=True)
class Reverse:
    """`_has:Observation:patient:code=x`: a resource of `type` that meets `inner` refers here."""

    type: str
    parameter: SearchParameter
    inner: Criterion


@dataclass(frozen=True)
class Listed:
    """`_list=42`: an entry of that List."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """In the compartment `name`/`id`."""

    name: str
    id: str


@dataclass(frozen=True)
class OfType:
    """Is of one type: for a search on several."""

    type: str


@dataclass(frozen=True)
class Keys:
    """Has any of these index keys, or none of them."""

    keys: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Ids:
    """Is any of these, by `Type/id`, or none of them."""

    references: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class OfPatients:
    """In the compartment of any of these patients, by `Patient/id`."""

    references: tuple[str, ...]


@dataclass(frozen=True)
class Inside:
    """Refers by the parameter `code` to a contained resource of `type` that meets the part."""

    code: str
    type: str
    part: Criterion


@dataclass(frozen=True)
class And:
    """Meets every part."""

    parts: tuple[Criterion, ...]


@dataclass(frozen=True)
class Or:
    """Meets some part."""

    parts: tuple[Criterion, ...]


@dataclass(frozen=True)
class Not:
    """Does not meet the part."""

    part: Criterion


Criterion = (
    Clause
    | Chain
    | Reverse
    | Listed
    | Member
    | OfType
    | OfPatients
    | Keys
    | Ids
    | Inside
    | And
    | Or
    | Not
)


@dataclass(frozen=True)
class SortKey:
    """One `_sort` parameter."""

    code: str
    descending: bool = False


@dataclass(frozen=True)
class Inclusion:
    """One `_include` or `_revinclude`. `*` is any source or code, no target any target."""

    source: str
    code: str
    target: str | None
    reverse: bool
    iterate: bool
