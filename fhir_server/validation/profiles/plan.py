"""Profiles compiled for the walk: only what has something to check, constraints ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from fhir_server.definitions.profiles import Profile, ProfileElement, Slicing
from fhir_server.fhirpath.node import Node, Nodes, child_getter
from fhir_server.validation.profiles.constraints import compiled_constraints
from fhir_server.validation.profiles.tree import Tree, tree
from fhir_server.validation.rules import Rule

getter: Callable[[str], Callable[[Node, Nodes], None]] = cache(child_getter)


@dataclass(frozen=True, slots=True, eq=False)
class SlicePlan:
    """One slice: what tells its values, and what they are held to."""

    tree: Tree
    plan: ElementPlan


@dataclass(frozen=True, slots=True, eq=False)
class ElementPlan:
    """What a value is held to. `slicing` is for the whole list that the values are in."""

    element: ProfileElement
    rules: tuple[Rule, ...]
    children: tuple[ChildPlan, ...]
    slicing: Slicing | None
    slices: tuple[SlicePlan, ...]
    active: bool


@dataclass(frozen=True, slots=True, eq=False)
class ChildPlan:
    """A child element. Without one of `keys` and with `idle` it needs no look."""

    name: str
    keys: frozenset[str]
    choice: bool
    append: Callable[[Node, Nodes], None]
    plan: ElementPlan
    idle: bool


@cache
def plan(profile: Profile, warnings: bool) -> ElementPlan:
    """What a profile demands; with `warnings` also what is good to have."""
    return element_plan(tree(profile), warnings)


@cache
def element_plan(node: Tree, warnings: bool) -> ElementPlan:
    """The plan of one element with all below it."""
    element = node.element
    rules = compiled_constraints(element, warnings)
    children = tuple(
        one for one in (_child(child, warnings) for child in node.children.values()) if one
    )
    slices = tuple(SlicePlan(one, element_plan(one, warnings)) for one in node.slices)
    slicing = element.slicing if slices else None
    divided = slicing is not None and _is_divided(slicing, slices, warnings)
    own = (
        element.fixed is not None
        or element.pattern is not None
        or bool(element.types or rules or children or divided)
        or _is_bound(element, warnings)
    )
    return ElementPlan(
        element, rules, children, slicing if divided else None, slices if divided else (), own
    )


def _child(node: Tree, warnings: bool) -> ChildPlan | None:
    made = element_plan(node, warnings)
    element, name = node.element, node.name
    idle = element.min == 0 and not (warnings and element.must_support)
    if idle and made.slicing is not None:
        idle = not any(_needed(one, warnings) for one in made.slices)
    if idle and not made.active and element.max is None:
        return None
    choice = element.id.endswith("[x]")
    return ChildPlan(name, frozenset({name, f"_{name}"}), choice, getter(name), made, idle)


def _is_bound(element: ProfileElement, warnings: bool) -> bool:
    binding = element.binding
    return binding is not None and (
        warnings or binding.strength == "required" or binding.maximum is not None
    )


def _is_divided(slicing: Slicing, slices: tuple[SlicePlan, ...], warnings: bool) -> bool:
    return (
        slicing.rules != "open"
        or slicing.ordered
        or any(
            one.plan.active or one.tree.element.max is not None or _needed(one, warnings)
            for one in slices
        )
    )


def _needed(slice: SlicePlan, warnings: bool) -> bool:
    element = slice.tree.element
    return element.min > 0 or (warnings and element.must_support)
