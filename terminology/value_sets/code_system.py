"""One CodeSystem resource made ready for questions: which codes, under which, with what properties.

Source: FHIR R4 CodeSystem, http://hl7.org/fhir/R4/codesystem.html; the properties `parent`
and `child` are those of http://hl7.org/fhir/concept-properties, `subsumedBy` that of HL7 v3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Resource = dict[str, Any]

_PARENT_PROPERTIES = frozenset(("parent", "subsumedBy"))


@dataclass(frozen=True)
class Hierarchy:
    """The is-a relations of a code system: every listed code with its direct parents.

    `complete` says that the code system has no other codes than the listed ones.
    """

    parents: Mapping[str, Sequence[str]]
    complete: bool

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """The direct children of every code that has any."""
        children: dict[str, list[str]] = {}
        for code, parents in self.parents.items():
            for parent in parents:
                children.setdefault(parent, []).append(code)
        return children

    def descendants(self, code: str) -> frozenset[str] | None:
        """`code` and everything below it; None when the code system may know it and we do not."""
        return self._closure(code, self.children)

    def ancestors(self, code: str) -> frozenset[str] | None:
        """`code` and everything above it; None when the code system may know it and we do not."""
        return self._closure(code, self.parents)

    def _closure(self, code: str, next_to: Mapping[str, Sequence[str]]) -> frozenset[str] | None:
        if code not in self.parents and not self.complete:
            return None
        found = {code}
        waiting = [code]
        while waiting:
            for other in next_to.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)


def hierarchy(code_system: Resource) -> Hierarchy:
    """The is-a relations of a CodeSystem resource.

    They come from nested concepts and from the properties parent, subsumedBy and child. A system
    whose `hierarchyMeaning` is something else than is-a nests for other reasons, so its codes stand
    side by side; one that does not say is read as is-a, as 20 nested systems of R4 need it.
    """
    nested = code_system.get("hierarchyMeaning", "is-a") == "is-a"
    parents: dict[str, list[str]] = {}
    for concept, above in flatten(code_system):
        own = parents.setdefault(concept["code"], [])
        if nested and above is not None:
            own.append(above)
        for name, value in properties(concept):
            if name in _PARENT_PROPERTIES:
                own.append(value)
            elif name == "child":
                parents.setdefault(value, []).append(concept["code"])
    return Hierarchy(parents, code_system.get("content") == "complete")


def flatten(code_system: Resource) -> Iterator[tuple[Resource, str | None]]:
    """Every concept with the code of the one it is nested in, in the order they are written."""
    waiting: list[tuple[Resource, str | None]]
    waiting = [(concept, None) for concept in reversed(code_system.get("concept", ()))]
    while waiting:
        concept, above = waiting.pop()
        yield concept, above
        inner = reversed(concept.get("concept", ()))
        waiting.extend((each, concept["code"]) for each in inner)


def properties(concept: Resource) -> Iterator[tuple[str, str]]:
    """Property codes and values of a concept; values as the strings that filters compare."""
    for entry in concept.get("property", ()):
        for key, value in entry.items():
            if key.startswith("value"):
                yield entry["code"], _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value)


class CodeSystemIndex:
    """A CodeSystem resource, looked up by code."""

    def __init__(self, code_system: Resource) -> None:
        self.resource = code_system
        self.complete = code_system.get("content") == "complete"
        self.concepts: dict[str, Resource] = {c["code"]: c for c, _ in flatten(code_system)}
        self._folded: dict[str, str] = {}
        if code_system.get("caseSensitive") is False:
            self._folded = {code.casefold(): code for code in self.concepts}

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """The is-a relations."""
        return hierarchy(self.resource)

    def find(self, code: str) -> str | None:
        """`code` as the code system writes it, None when it does not list it."""
        if code in self.concepts:
            return code
        return self._folded.get(code.casefold()) if self._folded else None

    def has(self, code: str) -> bool | None:
        """Whether the code system has `code`; None when it lists only a part of its codes."""
        return True if self.find(code) is not None else (False if self.complete else None)
