"""Filters of a value set's `compose`, each as a question about one code.

The answer is True, False, or None when the content that would decide is not here. Source: FHIR R4
http://hl7.org/fhir/R4/valueset-filter-operator.html, with `child-of` and `descendent-leaf` of R5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from terminology.value_sets.code_system import CodeSystemIndex, Resource, properties
from terminology.value_sets.grammars import canonical_unit, is_grammar, property_of

Verdict = bool | None
Test = Callable[[str], Verdict]

_IDENTITY = frozenset(("code", "concept"))
_FIELDS = frozenset(("display", "definition"))
_LONGEST_PATTERN = 256
# Two unbounded repeats over a code of 100 characters take 10,000 steps; a third makes it a million.
_MOST_REPEATS = 2
# Eight choices inside groups make 256 paths at most.
_MOST_CHOICES = 8


def every(verdicts: Iterable[Verdict]) -> Verdict:
    """Logical and over three values: one False decides, then one None."""
    result: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def some(verdicts: Iterable[Verdict]) -> Verdict:
    """Logical or over three values: one True decides, then one None."""
    result: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            result = None
    return result


def negation(verdict: Verdict) -> Verdict:
    """Logical not over three values."""
    return None if verdict is None else not verdict


def filter_test(given: Resource, system: str, index: CodeSystemIndex | None) -> Test:
    """The filter as a test of a code of `system`, whose content is `index` where it is known."""
    op, value = str(given.get("op")), str(given.get("value", ""))
    name = str(given.get("property"))
    if op in _SETS or name in ("parent", "child"):
        return _membership(op if op in _SETS else _relative(op, name), value, index)
    compare = _comparison(op, value, system, name)
    if compare is None:
        return _undecided
    return lambda code: _compared(compare, values(code, name, system, index))


def values(
    code: str, name: str, system: str, index: CodeSystemIndex | None
) -> tuple[str, ...] | None:
    """The values of property `name` of a code; None when they are not known here."""
    if name in _IDENTITY:
        return (code,)
    if is_grammar(system):
        return property_of(system, code, name)
    concept = index.concepts.get(code) if index else None
    if concept is None:
        return None
    if name in _FIELDS:
        # Displays of the built-in systems are shipped in part only, so absence says nothing.
        return (str(concept[name]),) if name in concept else None
    return tuple(value for key, value in properties(concept) if key == name)


def _undecided(_code: str) -> Verdict:
    return None


def _compared(compare: Callable[[tuple[str, ...]], bool], found: tuple[str, ...] | None) -> Verdict:
    return None if found is None else compare(found)


def _comparison(
    op: str, value: str, system: str, name: str
) -> Callable[[tuple[str, ...]], bool] | None:
    if op == "=":
        wanted = canonical_unit(value) if is_grammar(system) and name == "canonical" else value
        return lambda found: wanted in found
    if op == "exists":
        return lambda found: bool(found) == (value == "true")
    if op in ("in", "not-in"):
        listed = frozenset(part.strip() for part in value.split(","))
        return lambda found: (not listed.isdisjoint(found)) == (op == "in")
    if op == "regex":
        return _pattern(value)
    return None


def _pattern(value: str) -> Callable[[tuple[str, ...]], bool] | None:
    """A regular expression over the whole value; None when it is wrong or could run away."""
    if len(value) > _LONGEST_PATTERN or not _bounded(value):
        return None
    try:
        pattern = re.compile(value)
    except (re.error, OverflowError):
        return None
    return lambda found: any(pattern.fullmatch(each) for each in found)


def _bounded(value: str) -> bool:
    plain = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", value)
    repeats = len(re.findall(r"[*+]|\{\d*,", plain))
    choices = plain.count("?") + (plain.count("|") if "(" in plain else 0)
    repeated_group = re.search(r"\)[*+{]", plain) is not None
    return repeats <= _MOST_REPEATS and choices <= _MOST_CHOICES and not repeated_group


def _relative(op: str, name: str) -> str:
    """`parent = X` are the children of X, `child = X` the parents."""
    if op != "=":
        return "unknown"
    return "child-of" if name == "parent" else "parent-of"


def _membership(op: str, value: str, index: CodeSystemIndex | None) -> Test:
    selected = _SETS[op](index, value) if index and op in _SETS else None
    if index is None or selected is None:
        return _undecided
    complete, found = index.complete, selected

    def test(code: str) -> Verdict:
        if code in found:
            return True
        return False if complete or code in index.concepts else None

    return (lambda code: negation(test(code))) if op == "is-not-a" else test


def _below(index: CodeSystemIndex, value: str) -> frozenset[str] | None:
    return index.hierarchy.descendants(value)


def _strictly_below(index: CodeSystemIndex, value: str) -> frozenset[str] | None:
    found = index.hierarchy.descendants(value)
    return None if found is None else found - {value}


def _leaves_below(index: CodeSystemIndex, value: str) -> frozenset[str] | None:
    found = _strictly_below(index, value)
    return None if found is None else found - index.hierarchy.children.keys()


def _above(index: CodeSystemIndex, value: str) -> frozenset[str] | None:
    return index.hierarchy.ancestors(value)


def _children(index: CodeSystemIndex, value: str) -> frozenset[str] | None:
    return None if index.has(value) is None else frozenset(index.hierarchy.children.get(value, ()))


def _parents(index: CodeSystemIndex, value: str) -> frozenset[str] | None:
    return None if index.has(value) is None else frozenset(index.hierarchy.parents.get(value, ()))


_SETS: dict[str, Callable[[CodeSystemIndex, str], frozenset[str] | None]] = {
    "is-a": _below,
    "is-not-a": _below,
    "descendent-of": _strictly_below,
    "descendent-leaf": _leaves_below,
    "generalizes": _above,
    "child-of": _children,
    "parent-of": _parents,
}
