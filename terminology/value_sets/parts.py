"""What a compiled value set is made of: parts that test one code and list the codes they can.

Source: FHIR R4 composition rules, http://hl7.org/fhir/R4/valueset.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from terminology.value_sets.code_system import CodeSystemIndex, Resource, properties
from terminology.value_sets.filters import Test, Verdict, every, some
from terminology.value_sets.grammars import CASE_INSENSITIVE, is_grammar, well_formed

Pair = tuple[str, str]


class Part(Protocol):
    """A set of (system, code) pairs, known or not."""

    @property
    def systems(self) -> frozenset[str]:
        """The code systems that members can come from, as far as they are known."""

    @property
    def open(self) -> bool:
        """Whether members may come from systems that `systems` does not name."""

    def test(self, system: str, code: str) -> Verdict:
        """Whether the pair is a member; None when that is not known here."""

    def listing(self, limit: int) -> Listing:
        """The known members, of which `limit` at most are needed."""


@dataclass(frozen=True)
class Listing:
    """Known members in order; `complete` when there are no others, `over_limit` when cut short."""

    pairs: tuple[Pair, ...]
    complete: bool
    over_limit: bool = False


class Unknown:
    """A value set that cannot be found, or that refers to itself."""

    systems: frozenset[str] = frozenset()
    open = True

    def test(self, system: str, code: str) -> Verdict:
        """Not known."""
        return None

    def listing(self, limit: int) -> Listing:
        """Nothing is known."""
        return Listing((), complete=False)


class Pairs:
    """Pairs as a `compose` concept list or an `expansion` writes them."""

    def __init__(
        self, pairs: Sequence[Pair], *, complete: bool = True, folded: bool = False
    ) -> None:
        """`folded` compares codes without regard to case."""
        self._pairs = tuple(dict.fromkeys(pairs))
        self._complete = complete
        self._folded = folded
        self._members = frozenset((system, self._key(code)) for system, code in self._pairs)
        self.systems = frozenset(system for system, _ in self._pairs)
        self.open = not complete

    def test(self, system: str, code: str) -> Verdict:
        """Whether the pair is listed."""
        if (system, self._key(code)) in self._members:
            return True
        return False if self._complete else None

    def listing(self, limit: int) -> Listing:
        """The pairs as they are written."""
        return Listing(self._pairs, self._complete)

    def _key(self, code: str) -> str:
        return code.casefold() if self._folded else code


@dataclass(frozen=True)
class WholeSystem:
    """The codes of a system that pass every filter; `index` is None where it has no list here."""

    system: str
    index: CodeSystemIndex | None
    filters: tuple[Test, ...] = ()
    active_only: bool = False
    open: bool = field(default=False, init=False)

    @property
    def systems(self) -> frozenset[str]:
        """The one system."""
        return frozenset((self.system,))

    def test(self, system: str, code: str) -> Verdict:
        """Whether the code exists in the system and passes the filters."""
        if system != self.system:
            return False
        code = (self.index.find(code) if self.index else None) or code
        exists = self._exists(code)
        return False if exists is False else every((exists, *(t(code) for t in self.filters)))

    def listing(self, limit: int) -> Listing:
        """The listed codes that pass."""
        if self.index is None:
            return Listing((), complete=False)
        verdicts = [(code, self.test(self.system, code)) for code in self.index.concepts]
        passed = tuple((self.system, code) for code, verdict in verdicts if verdict)
        return Listing(passed, self.index.complete and all(v is not None for _, v in verdicts))

    def _exists(self, code: str) -> Verdict:
        if self.index is None:
            return well_formed(self.system, code) if is_grammar(self.system) else None
        if self.active_only and _retired(self.index.concepts.get(code)):
            return False
        return self.index.has(code)


def _retired(concept: Resource | None) -> bool:
    return any(
        (name, value) in (("inactive", "true"), ("status", "retired"))
        for name, value in properties(concept or {})
    )


class Intersection:
    """One `include` or `exclude`: what all its parts have in common."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        closed = [part for part in parts if not part.open]
        named = closed or parts
        self.systems = frozenset.intersection(*(part.systems for part in named))
        self.open = not closed

    def test(self, system: str, code: str) -> Verdict:
        """Whether every part has the pair."""
        return every(part.test(system, code) for part in self._parts)

    def listing(self, limit: int) -> Listing:
        """The members of the part that lists best, as far as all others confirm them."""
        if len(self._parts) == 1:
            return self._parts[0].listing(limit)
        listings = [part.listing(limit) for part in self._parts]
        best = min(listings, key=lambda each: (not each.complete, len(each.pairs)))
        candidates = best.pairs if best.complete else _joined(each.pairs for each in listings)
        verdicts = [(pair, self.test(*pair)) for pair in candidates]
        return Listing(
            tuple(pair for pair, verdict in verdicts if verdict),
            best.complete and all(verdict is not None for _, verdict in verdicts),
            any(each.over_limit for each in listings),
        )


def _joined(lists: Iterable[Iterable[Pair]]) -> tuple[Pair, ...]:
    return tuple(dict.fromkeys(pair for pairs in lists for pair in pairs))


def union_test(parts: Iterable[Part], system: str, code: str) -> Verdict:
    """Whether any of the parts has the pair."""
    return some(part.test(system, code) for part in parts)


def systems_of(parts: Iterable[Part]) -> Iterator[str]:
    """Every system that any of the parts names, once."""
    yield from dict.fromkeys(system for part in parts for system in sorted(part.systems))


def folds_case(system: str, index: CodeSystemIndex | None) -> bool:
    """Whether codes of `system` mean the same in any case."""
    declared = index is not None and index.resource.get("caseSensitive") is False
    return declared or system in CASE_INSENSITIVE
