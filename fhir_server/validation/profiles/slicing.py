"""Dividing a list into slices. http://hl7.org/fhir/R4/profiling.html#slicing"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fhir_server.fhirpath import Node, Scope
from fhir_server.fhirpath.node import Nodes
from fhir_server.validation.profiles.discriminators import belongs
from fhir_server.validation.profiles.plan import ElementPlan, SlicePlan
from fhir_server.validation.profiles.trial import Trial

DEFAULT = "@default"
"""The slice of all values that are in no other."""


@dataclass
class Division:
    """The values of each slice, in the order of the profile.

    `uncertain` may be in any slice: whether they are cannot be told.
    """

    members: list[tuple[SlicePlan, Nodes]]
    uncertain: Nodes = field(default_factory=list)
    faults: list[tuple[Node, str]] = field(default_factory=list)


def divide(plan: ElementPlan, nodes: Nodes, scope: Scope, trial: Trial) -> Division:
    """Put each value into its slice, and tell what is against the rules of the slicing."""
    slicing = plan.slicing
    assert slicing is not None
    found = Division([(slice, []) for slice in plan.slices])
    named = [(slice, held) for slice, held in found.members if _name(slice) != DEFAULT]
    default = next((held for slice, held in found.members if _name(slice) == DEFAULT), None)
    places: list[tuple[Node, int | None]] = []
    for node in nodes:
        place, unsure = None, False
        for position, (slice, held) in enumerate(named):
            verdict = belongs(slice.tree, slicing, node, scope, trial)
            unsure = unsure or verdict is None
            if verdict:
                place = position
                held.append(node)
                break
        if place is None and unsure:
            found.uncertain.append(node)
        elif place is None and default is not None:
            default.append(node)
        else:
            places.append((node, place))
    found.faults.extend(_rule_faults(plan, places))
    return found


def _rule_faults(
    plan: ElementPlan, places: list[tuple[Node, int | None]]
) -> Iterator[tuple[Node, str]]:
    slicing = plan.slicing
    assert slicing is not None
    if slicing.rules == "closed":
        for node, place in places:
            if place is None:
                yield node, "is in none of the slices, and no others are allowed"
    last = -1
    others = False
    for node, place in places:
        if place is None:
            others = True
            continue
        if others and slicing.rules == "openAtEnd":
            yield node, "stands after values that are in no slice, which belong at the end"
        if slicing.ordered and place < last:
            yield node, "is in a slice that belongs before the one of its forerunner"
        last = max(last, place)


def _name(slice: SlicePlan) -> str:
    return slice.tree.element.slice_name or ""
