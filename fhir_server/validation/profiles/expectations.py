"""What a slice demands at the path of its discriminator, by which its values are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.profiles import ProfileElement, profiles
from fhir_server.validation.profiles.steps import Step
from fhir_server.validation.profiles.tree import Tree, tree


@dataclass(frozen=True, eq=False)
class Expectation:
    """The element at a path, and what patterns or fixed values above it say of it."""

    tree: Tree
    given: tuple[Any, ...] = ()


def expectation(slice: Tree, path: tuple[Step, ...]) -> Expectation | None:
    """What a slice says about the element at a path, None when it says nothing."""
    reached = Expectation(slice)
    for position, step in enumerate(path):
        if step.kind == "ofType":
            continue
        if step.kind == "resolve" and position == len(path) - 1:
            return reached
        below = _step(reached, step)
        if below is None:
            return None
        reached = below
    return reached


def canonical_of(slice: Tree) -> str | None:
    """The URL that the extensions of a slice have, when the slice is known by its profile."""
    for type in slice.element.types:
        if type.code == "Extension" and type.profiles:
            return type.profiles[0].partition("|")[0]
    return None


def _step(reached: Expectation, step: Step) -> Expectation | None:
    if step.kind == "resolve":
        for type in reached.tree.element.types:
            for url in type.targets:
                if url in profiles():
                    return Expectation(tree(profiles()[url]))
        return None
    given = tuple(_given(reached, step.text))
    below = next(_trees_below(reached.tree, step), None)
    if below is None:
        if not given:
            return None
        below = Tree(ProfileElement(f"{reached.tree.element.id}.{step.text}"))
    return Expectation(below, given)


def _trees_below(above: Tree, step: Step) -> Iterator[Tree]:
    """The child's node, slices of it, then those of the profiles that the type names."""
    if step.kind == "extension":
        child = above.children.get("extension")
        if child is not None:
            yield from (one for one in child.slices if _url(one) == step.text)
    else:
        child = above.children.get(step.text)
        if child is not None:
            yield child
    for type in above.element.types:
        for url in type.profiles:
            if url in profiles():
                yield from _trees_below(tree(profiles()[url]), step)


def _url(slice: Tree) -> str | None:
    url = slice.children.get("url")
    fixed = url.element.fixed if url is not None else None
    return fixed if isinstance(fixed, str) else canonical_of(slice)


def _given(reached: Expectation, name: str) -> Iterator[Any]:
    element = reached.tree.element
    for above in (element.fixed, element.pattern, *reached.given):
        held = above.get(name) if isinstance(above, dict) else None
        if isinstance(held, list):
            yield from held
        elif held is not None:
            yield held
