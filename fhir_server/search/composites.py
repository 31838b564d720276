"""Composite parameters: components that must hold of one element together. FHIR R4 3.1.1.4.14.

Each element becomes `{p, k, r}`: the composite codes it counts for, and the components' keys and
ranges with the position of the component in front (`0==8480-6`, `1|=g.m-1.s-2`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_server.definitions.search_parameters import SearchParameter, parameters_of
from fhir_server.resource import Resource
from fhir_server.search.path import Node, Walker, compile_path, compile_relative

Find = Callable[[str, str, Any], tuple[list[str], list[dict[str, Any]]]]
"""Makes the keys and ranges of a value: search parameter type, FHIR type, value."""

_ROOT = "%resource."


@dataclass(frozen=True)
class Component:
    """One component: its parameter's code and type, and where it is found."""

    code: str
    kind: str
    walker: Walker
    from_root: bool


@dataclass(frozen=True)
class Composite:
    """One composite parameter of a type."""

    code: str
    walker: Walker
    components: tuple[Component, ...]


@cache
def composite(parameter: SearchParameter, type: str) -> Composite | None:
    """The composite compiled for resources of `type`, None if a part cannot be walked."""
    walker = compile_path(parameter.expression, type)
    components = [_component(*one, type) for one in parameter.components]
    if walker is None or not components or None in components:
        return None
    return Composite(parameter.code, walker, tuple(one for one in components if one is not None))


def _component(url: str, expression: str, type: str) -> Component | None:
    own = next((one for one in parameters_of(type).values() if one.url == url), None)
    walker = compile_relative(expression.removeprefix(_ROOT))
    if own is None or walker is None:
        return None
    return Component(own.code, own.type, walker, expression.startswith(_ROOT))


def elements(
    composites: tuple[Composite, ...], type: str, resource: Resource, find: Find
) -> Iterator[dict[str, Any]]:
    """The stored form of every element that has all the components of some composite."""
    made: dict[tuple[int, tuple[Component, ...]], dict[str, Any]] = {}
    for one in composites:
        for node in one.walker(type, resource):
            # The blood pressure of a component counts for `component-` and `combo-` codes alike.
            same = (id(node[1]), _shapes(one.components))
            if same in made:
                made[same]["p"].append(one.code)
                continue
            element = _element(one, node, (type, resource), find)
            if element is not None:
                made[same] = element
    return iter(made.values())


def _shapes(components: tuple[Component, ...]) -> Any:
    return tuple((one.kind, one.walker) for one in components)


def _element(one: Composite, node: Node, root: Node, find: Find) -> dict[str, Any] | None:
    keys: list[str] = []
    ranges: list[dict[str, Any]] = []
    for position, component in enumerate(one.components):
        found = False
        start = root if component.from_root else node
        for type, value in component.walker(*start):
            own_keys, own_ranges = find(component.kind, type, value)
            keys += [f"{position}{made}" for made in own_keys]
            ranges += [{**made, "p": f"{position}{made['p']}"} for made in own_ranges]
            found = found or bool(own_keys or own_ranges)
        if not found:
            return None
    return {"p": [one.code], "k": list(dict.fromkeys(keys)), "r": ranges}
