"""ValueSet resources compiled to parts, with the value sets and code systems they refer to.

A value set is the union of its `include`s without the union of its `exclude`s. An `expansion`
answers where `compose` is silent or cannot be decided with the content at hand. Source: FHIR R4,
http://hl7.org/fhir/R4/valueset.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from terminology.value_sets.code_system import CodeSystemIndex, Resource
from terminology.value_sets.filters import Verdict, every, filter_test, negation, some
from terminology.value_sets.parts import (
    Intersection,
    Listing,
    Pair,
    Pairs,
    Part,
    Unknown,
    WholeSystem,
    folds_case,
    systems_of,
    union_test,
)

Resolve = Callable[[str], Resource | None]
Index = Callable[[str], CodeSystemIndex | None]

# References of references; R4 itself goes three deep. Deeper ones count as not known.
_DEEPEST = 32
_REMEMBERED = 10_000


class CompiledValueSet:
    """One value set, ready to be asked."""

    def __init__(
        self, includes: tuple[Part, ...], excludes: tuple[Part, ...], expansion: Pairs | None
    ) -> None:
        self._includes = includes
        self._excludes = excludes
        self._expansion = expansion
        self._verdicts: dict[Pair, Verdict] = {}
        self._listings: dict[int, Listing] = {}
        parts: tuple[Part, ...] = includes if expansion is None else (*includes, expansion)
        self._system_list = tuple(systems_of(parts))
        self.systems = frozenset(self._system_list)
        undecided = any(part.open for part in includes) or not includes
        self.open = undecided and (expansion is None or expansion.open)

    def test(self, system: str, code: str) -> Verdict:
        """Whether the pair is a member; None when that is not known here."""
        # Shared references would otherwise be asked once for every way that leads to them.
        if (system, code) not in self._verdicts:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            self._verdicts[system, code] = self._decide(system, code)
        return self._verdicts[system, code]

    def test_any(self, code: str) -> Verdict:
        """Whether the code of any system is a member."""
        found = some(self.test(system, code) for system in self._system_list)
        return None if self.open and not found else found

    def _decide(self, system: str, code: str) -> Verdict:
        included = union_test(self._includes, system, code) if self._includes else None
        excluded = union_test(self._excludes, system, code) if included is not False else False
        verdict = every((included, negation(excluded)))
        if verdict is None and self._expansion:
            return self._expansion.test(system, code)
        return verdict

    def listing(self, limit: int) -> Listing:
        """The known members; at most `limit` of them."""
        if limit not in self._listings:
            composed = self._composed(limit)
            if not composed.complete and not composed.over_limit and self._expansion:
                composed = _cut(self._expansion.listing(limit), limit)
            self._listings[limit] = composed
        return self._listings[limit]

    def _composed(self, limit: int) -> Listing:
        if not self._includes:
            return Listing((), complete=False)
        pairs: dict[Pair, None] = {}
        complete, over = True, False
        for include in self._includes:
            listing = include.listing(limit)
            pairs.update(dict.fromkeys(listing.pairs))
            complete, over = complete and listing.complete, over or listing.over_limit
        excluded = {pair: union_test(self._excludes, *pair) for pair in pairs}
        kept = tuple(pair for pair, verdict in excluded.items() if verdict is False)
        known = all(verdict is not None for verdict in excluded.values())
        return _cut(Listing(kept, complete and known, over), limit)


def _cut(listing: Listing, limit: int) -> Listing:
    if len(listing.pairs) <= limit:
        return listing
    return Listing(listing.pairs[:limit], complete=False, over_limit=True)


class Compiler:
    """Compiles value sets and what they refer to, each once."""

    def __init__(self, resolve_value_set: Resolve, index: Index) -> None:
        """Both take a URL without version and give None for what they do not have."""
        self._resolve = resolve_value_set
        self._index = index
        self._compiled: dict[str, CompiledValueSet | Unknown] = {}
        self._depth = 0

    def by_url(self, canonical: str) -> CompiledValueSet | Unknown:
        """The value set at a canonical URL, whatever version is asked for."""
        url = canonical.partition("|")[0]
        if url not in self._compiled:
            self._compiled[url] = Unknown()  # what a circle of references finds
            resource = self._resolve(url) if self._depth < _DEEPEST else None
            if resource is not None:
                self._compiled[url] = self.compile(resource)
        return self._compiled[url]

    def compile(self, value_set: Resource) -> CompiledValueSet:
        """A ValueSet resource."""
        self._depth += 1
        compose = value_set.get("compose", {})
        active_only = compose.get("inactive") is False
        includes = tuple(self._rule(rule, active_only) for rule in compose.get("include", ()))
        excludes = tuple(self._rule(rule, False) for rule in compose.get("exclude", ()))
        self._depth -= 1
        return CompiledValueSet(includes, excludes, _expansion(value_set))

    def _rule(self, rule: Resource, active_only: bool) -> Part:
        parts: list[Part] = [self.by_url(url) for url in rule.get("valueSet", ())]
        if "system" in rule:
            parts.append(self._system(rule, active_only))
        return Intersection(parts) if parts else Unknown()

    def _system(self, rule: Resource, active_only: bool) -> Part:
        system = str(rule["system"])
        index = self._index(system)
        if "concept" in rule:
            pairs = [(system, str(concept["code"])) for concept in rule["concept"]]
            return Pairs(pairs, folded=folds_case(system, index))
        tests = tuple(filter_test(given, system, index) for given in rule.get("filter", ()))
        return WholeSystem(system, index, tests, active_only)


def _expansion(value_set: Resource) -> Pairs | None:
    expansion = value_set.get("expansion")
    if expansion is None:
        return None
    pairs = list(_contained(expansion))
    whole = expansion.get("offset", 0) == 0 and expansion.get("total", 0) <= _entries(expansion)
    return Pairs(pairs, complete=whole and not expansion.get("extension"))


def _contained(expansion: dict[str, Any]) -> Iterator[Pair]:
    """The selectable entries: an abstract one is there for navigation."""
    for entry in _entry_list(expansion):
        if "system" in entry and "code" in entry and not entry.get("abstract"):
            yield str(entry["system"]), str(entry["code"])


def _entries(expansion: dict[str, Any]) -> int:
    return sum(1 for _ in _entry_list(expansion))


def _entry_list(expansion: dict[str, Any]) -> Iterator[Resource]:
    waiting: list[Resource] = list(reversed(expansion.get("contains", ())))
    while waiting:
        entry = waiting.pop()
        yield entry
        waiting.extend(reversed(entry.get("contains", ())))
