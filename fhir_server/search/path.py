"""Search parameter expressions compiled to walkers of JSON.

The definitions use a small part of FHIRPath: element paths, `as`, `ofType`, `[0]`,
`where(resolve() is T)`, `where(name='value')`, `where(hasExtension('url'))`, `extension('url')` and
one `exists()`. Interpreting FHIRPath costs 0.4 to 6.8 ms a resource; walking costs microseconds. An
expression outside that part is not guessed at: it compiles to None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from fhir_server.definitions.elements import elements_of

Node = tuple[str, Any]
"""A FHIR type name (or `@path`) and the JSON value of that type."""
Step = Callable[[Iterator[Node]], Iterator[Node]]

_SPECIAL = "http://terminology.hl7.org/CodeSystem/special-values"
_NAME = r"[A-Za-z][A-Za-z0-9]*"
_STEP = re.compile(
    rf"""(?P<as>(as|ofType)\((?P<as_type>{_NAME})\))
    |where\(hasExtension\('(?P<has>[^']*)'\)\)
    |where\(resolve\(\)\s+is\s+(?P<target>{_NAME})\)
    |where\((?P<where>{_NAME})\s*=\s*'(?P<value>[^']*)'\)
    |extension\('(?P<url>[^']*)'\)
    |(?P<name>{_NAME})(\[(?P<index>\d+)\])?$
    """,
    re.VERBOSE,
)
_CAST = re.compile(rf"\(?(?P<path>[A-Za-z.]+) as (?P<type>{_NAME})\)?(?P<rest>(\.[A-Za-z]+)*)")
_PRESENT = re.compile(r"(?P<path>[A-Za-z.]+)\.exists\(\) and (?P=path) != false")


@dataclass(frozen=True)
class Walker:
    """Finds an expression's nodes in a resource. `boolean` ones yield whether there are any.

    Without any of the members `roots` a resource has no such nodes; None where that is not known.
    """

    steps: tuple[tuple[Step, ...], ...]
    boolean: bool = False
    roots: frozenset[str] | None = None

    def __call__(self, type: str, resource: dict[str, Any]) -> Iterator[Node]:
        """Every node that the expression selects, in document order."""
        for alternative in self.steps:
            nodes: Iterator[Node] = iter(((type, resource),))
            for step in alternative:
                nodes = step(nodes)
            if self.boolean:
                yield "boolean", any(value is not False for _, value in nodes)
            else:
                yield from nodes


@cache
def compile_path(expression: str, type: str) -> Walker | None:
    """The walker of `expression` on resources of `type`, None if it cannot be walked."""
    present = _PRESENT.fullmatch(expression.strip())
    if present is not None:
        steps = _alternative(present["path"], type)
        return Walker((steps,), boolean=True) if steps is not None else None
    alternatives = []
    roots: list[frozenset[str] | None] = []
    for part in expression.split("|"):
        text = part.strip()
        if not _concerns(text, type):
            continue
        steps = _alternative(text, type)
        if steps is None:
            return None
        alternatives.append(steps)
        roots.append(_roots(text, type))
    known = [one for one in roots if one is not None]
    every = frozenset[str]().union(*known) if len(known) == len(roots) else None
    return Walker(tuple(alternatives), roots=every) if alternatives else None


@cache
def compile_relative(expression: str) -> Walker | None:
    """The walker of an expression on an element, as a composite's components have them."""
    alternatives = [_steps(_split(part.strip())) for part in expression.split("|")]
    if any(steps is None for steps in alternatives):
        return None
    return Walker(tuple(steps for steps in alternatives if steps is not None))


@cache
def end_types(expression: str, type: str) -> frozenset[str]:
    """The FHIR types that `expression` can end at on resources of `type`.

    None for an expression that cannot be walked.
    """
    if _PRESENT.fullmatch(expression.strip()):
        return frozenset({"boolean"})
    if compile_path(expression, type) is None:
        return frozenset()
    found: set[str] = set()
    for part in expression.split("|"):
        text = part.strip()
        if _concerns(text, type):
            found |= _ends(text, type)
    return frozenset(found)


@cache
def implied_systems(expression: str, type: str) -> frozenset[str]:
    """The code systems that `code` elements at the end of `expression` are bound to.

    Such a value carries no system of its own; that of a boolean is `special-values`.
    """
    found: set[str] = set()
    walked = compile_path(expression, type) is not None
    for part in expression.split("|") if walked else ():
        text = part.strip()
        before, _, last = text.rpartition(".")
        if not _concerns(text, type) or not before:
            continue
        for at in _ends(before, type):
            element = elements_of(at.removeprefix("@")).get(last)
            if element is not None and "code" in element.types:
                found |= {system for system, _ in element.codings or ()}
    return frozenset(found | ({_SPECIAL} if "boolean" in end_types(expression, type) else set()))


def _ends(text: str, type: str) -> set[str]:
    cast = _CAST.fullmatch(text)
    if cast is not None:
        text = f"{cast['path']}.as({cast['type']}){cast['rest']}"
    first, *rest = _split(text)
    types = {type}
    for part in [first, *rest] if first in elements_of(type) else rest:
        match = _STEP.fullmatch(part)
        if match is None:
            return types
        if match["name"]:
            types = {one for at in types for one in _child_types(at, match["name"])}
        elif match["as"]:
            types = {one for one in types if one.lower() == match["as_type"].lower()}
        elif match["url"]:
            types = {"Extension"}
    return types


def _child_types(type: str, name: str) -> tuple[str, ...]:
    element = elements_of(type.removeprefix("@")).get(name)
    return element.types if element is not None else ()


def _concerns(text: str, type: str) -> bool:
    first = text.lstrip("(").partition(".")[0]
    return first in (type, "Resource", "DomainResource") or first in elements_of(type)


def _alternative(text: str, type: str) -> tuple[Step, ...] | None:
    return _steps(_parts(text, type))


def _parts(text: str, type: str) -> Sequence[str]:
    cast = _CAST.fullmatch(text)
    if cast is not None:
        text = f"{cast['path']}.as({cast['type']}){cast['rest']}"
    first, *rest = _split(text)
    # InsurancePlan's `name | alias` is written without the type in front.
    return [first, *rest] if first in elements_of(type) else rest


def _roots(text: str, type: str) -> frozenset[str] | None:
    first = next(iter(_parts(text, type)), "")
    match = _STEP.fullmatch(first)
    if match is None or not match["name"]:
        return None
    name = match["name"]
    return frozenset(one for one, _ in _members(type, name)) if name in elements_of(type) else None


def _steps(parts: Sequence[str]) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    for part in parts:
        match = _STEP.fullmatch(part)
        if match is None:
            return None
        steps.append(_step(match))
    return tuple(steps)


def _split(text: str) -> Sequence[str]:
    """Split at dots outside parentheses and quotes."""
    parts, depth, start, quoted = [], 0, 0, False
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "." and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _step(match: re.Match[str]) -> Step:
    if match["as"]:
        return _only_type(match["as_type"])
    if match["target"]:
        return _only_target(match["target"])
    if match["where"]:
        return _only_where(match["where"], match["value"])
    if match["has"]:
        return _only_extended(match["has"])
    if match["url"]:
        return _extension(match["url"])
    if match["index"]:
        return _indexed(match["name"], int(match["index"]))
    return _child(match["name"])


def _only_type(type: str) -> Step:
    # A choice element says `as DateTime` in a few definitions where the type is dateTime.
    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        return (node for node in nodes if node[0].lower() == type.lower())

    return step


def _only_target(type: str) -> Step:
    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        for name, value in nodes:
            reference = value.get("reference", "") if isinstance(value, dict) else str(value)
            if f"/{type}/" in f"/{reference}" or (
                isinstance(value, dict) and value.get("type") == type
            ):
                yield name, value

    return step


def _only_where(name: str, wanted: str) -> Step:
    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        return (node for node in nodes if node[1].get(name) == wanted)

    return step


def _extension(url: str) -> Step:
    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        for _, value in nodes:
            for extension in value.get("extension", ()):
                if extension.get("url") == url:
                    yield "Extension", extension

    return step


def _only_extended(url: str) -> Step:
    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        for node in nodes:
            if any(one.get("url") == url for one in node[1].get("extension", ())):
                yield node

    return step


def _indexed(name: str, index: int) -> Step:
    child = _child(name)

    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        return islice(child(nodes), index, index + 1)

    return step


def _child(name: str) -> Step:
    def step(nodes: Iterator[Node]) -> Iterator[Node]:
        for type, value in nodes:
            if isinstance(value, dict):
                yield from _children(type.removeprefix("@"), value, name)

    return step


def _children(type: str, value: dict[str, Any], name: str) -> Iterator[Node]:
    element = elements_of(type).get(name)
    if element is None:
        return
    for member, member_type in _members(type, name):
        found = value.get(member)
        if isinstance(found, list):
            yield from ((member_type, one) for one in found if one is not None)
        elif found is not None:
            yield member_type, found


@cache
def _members(type: str, name: str) -> tuple[tuple[str, str], ...]:
    element = elements_of(type)[name]
    if not element.choice:
        return ((name, element.types[0]),)
    return tuple((name + one[0].upper() + one[1:], one) for one in element.types)
