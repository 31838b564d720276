"""One walk over a value along a profile. Every problem is told, with its FHIRPath; none quotes it.

Source: FHIR R4, http://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from fhir_server.definitions.profiles import Profile
from fhir_server.errors import Issue, Severity
from fhir_server.fhirpath import Node, Scope
from fhir_server.fhirpath.location import expression_of
from fhir_server.fhirpath.node import Nodes
from fhir_server.resource import Resource
from fhir_server.validation.profiles.bindings import binding_fault
from fhir_server.validation.profiles.cardinality import cardinality_fault
from fhir_server.validation.profiles.constraints import broken
from fhir_server.validation.profiles.fixed_and_pattern import equal, fits
from fhir_server.validation.profiles.plan import ChildPlan, ElementPlan, plan
from fhir_server.validation.profiles.slicing import divide
from fhir_server.validation.profiles.targets import target_at_hand
from fhir_server.validation.profiles.types import (
    rules_for,
    target_fault,
    target_profiles,
    types_text,
    value_profiles,
)

_DEEPEST = 4
"""Trials inside each other, as of slices that are told by the profile of what they refer to."""


class _Unfit(Exception):
    """A trial found the first error."""


class Walk:
    """Checks values of one resource. `resource` is what FHIRPaths start from."""

    def __init__(self, resource: Resource, warnings: bool) -> None:
        self._found: dict[Issue, None] = {}  # a slice repeats the rules of what it divides
        self._resource = resource
        self._warnings = warnings
        self._trying = 0
        self._about = ""
        self._inside: set[tuple[int, Profile]] = set()
        self._met: dict[tuple[int, Profile], bool] = {}

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What has been told so far, each problem once."""
        return tuple(self._found)

    def check(self, profile: Profile, node: Node, scope: Scope) -> None:
        """Hold a value to a profile; one that is being held to it already is left alone."""
        key = (id(node.value), profile)
        if key in self._inside:
            return
        about, self._about = self._about, profile.short
        self._inside.add(key)
        try:
            self._element(plan(profile, self._warnings), node, scope)
        finally:
            self._inside.discard(key)
            self._about = about

    def fits(self, held: ElementPlan, node: Node, scope: Scope) -> bool:
        """Whether a value breaks nothing of a plan; tells nothing."""
        if self._trying == _DEEPEST:
            return True
        self._trying += 1
        try:
            self._element(held, node, scope)
        except _Unfit:
            return False
        finally:
            self._trying -= 1
        return True

    def tell(
        self, code: str, text: str, node: Node, name: str = "", severity: Severity = "error"
    ) -> None:
        """Tell what is wrong at a value, or at the element `name` below it."""
        if self._trying:
            if severity == "error":
                raise _Unfit
            return
        place = expression_of(self._resource, node.location or ())
        place = f"{place}.{name}" if name else place
        about = f" ({self._about})" if self._about else ""
        self._found[Issue(code, f"{place} {text}{about}.", severity, (place,))] = None

    def _element(self, held: ElementPlan, node: Node, scope: Scope) -> None:
        element = held.element
        if element.types and not self._types(held, node, scope):
            return
        self._value(held, node)
        for rule in broken(held.rules, node, scope):
            text = f"breaks {rule.key}: {rule.human.rstrip('.')}"
            self.tell("invariant", text, node, severity=rule.severity)
        plain = node.value if type(node.value) is dict else None
        for child in held.children:
            needless = child.idle and not child.choice and plain is not None
            if needless and child.keys.isdisjoint(plain or ()):
                continue
            self._child(child, node, scope)

    def _value(self, held: ElementPlan, node: Node) -> None:
        element = held.element
        if node.value is None:  # an extension says why: data-absent-reason
            return
        if element.fixed is not None and not equal(node.value, element.fixed):
            self.tell("value", f"must be {_shown(element.fixed)}", node)
        if element.pattern is not None and not fits(node.value, element.pattern):
            self.tell("value", f"must have {_shown(element.pattern)}", node)
        if element.binding is not None:
            wrong = binding_fault(element.binding, node, self._warnings)
            if wrong is not None:
                severity, text = wrong
                self.tell("code-invalid", text, node, severity=severity)

    def _child(self, child: ChildPlan, node: Node, scope: Scope) -> None:
        found: Nodes = []
        child.append(node, found)
        held = child.plan
        self._count(held, len(found), node, child.name)
        for one in found:
            self._element(held, one, scope)
        if held.slicing is not None:
            self._divide(held, found, node, child.name, scope)

    def _count(self, held: ElementPlan, count: int, node: Node, name: str) -> None:
        element = held.element
        of = f" in slice {element.slice_name}" if element.slice_name else ""
        wrong = cardinality_fault(element, count)
        if wrong is not None:
            code, text = wrong
            self.tell(code, text + of, node, name)
        elif self._warnings and element.must_support and not count:
            text = f"is absent{of}, and support for it is demanded"
            self.tell("informational", text, node, name, "information")

    def _divide(self, held: ElementPlan, nodes: Nodes, node: Node, name: str, scope: Scope) -> None:
        division = divide(held, nodes, scope, self.fits)
        for one, text in division.faults:
            self.tell("structure", text, one)
        for slice, members in division.members:
            if not division.uncertain or len(members) >= slice.plan.element.min:
                self._count(slice.plan, len(members), node, name)
            for one in members:
                self._element(slice.plan, one, scope)
            if slice.plan.slicing is not None:
                self._divide(slice.plan, members, node, name, scope)

    def _types(self, held: ElementPlan, node: Node, scope: Scope) -> bool:
        allowed = held.element.types
        rules = rules_for(node, allowed)
        if not rules:
            self.tell("structure", types_text(allowed), node)
            return False
        self._one_of(value_profiles(rules), node, scope)
        if node.type == "Reference":
            wrong = target_fault(node, rules, scope)
            if wrong is not None:
                self.tell("structure", wrong, node)
                return True
            # What a target refers to is left out: a bundle could make a chain of any length.
            target = None if self._trying else target_at_hand(node, scope)
            if target is not None:
                self._target(target_profiles(rules, target.type), target, node, scope)
        return True

    def _one_of(self, listed: list[Profile], node: Node, scope: Scope) -> None:
        if len(listed) == 1:
            self.check(listed[0], node, scope)
        elif listed and not self.meets_one(listed, node, scope):
            self.tell("structure", f"meets none of: {names(listed)}", node)

    def _target(self, listed: list[Profile], target: Node, node: Node, scope: Scope) -> None:
        inside = Scope(target, top=scope.top, resolve=scope.resolve)
        if listed and not self.meets_one(listed, target, inside):
            self.tell("structure", f"refers to what meets none of: {names(listed)}", node)

    def meets_one(self, listed: list[Profile], node: Node, scope: Scope) -> bool:
        """Whether a value meets one of the profiles."""
        return any(self._meets(one, node, scope) for one in listed)

    def _meets(self, profile: Profile, node: Node, scope: Scope) -> bool:
        key = (id(node.value), profile)
        if key in self._inside:  # a circle of references
            return True
        if key not in self._met:
            self._inside.add(key)
            self._met[key] = self.fits(plan(profile, False), node, scope)
            self._inside.discard(key)
        return self._met[key]


def names(listed: list[Profile]) -> str:
    """The profiles, for people."""
    return ", ".join(one.short for one in listed)


def _shown(value: object) -> str:
    """A fixed value or pattern of a profile, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " and ".join(_shown(one) for one in value)
    return str(value)
