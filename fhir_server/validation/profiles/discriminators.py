"""Whether a value belongs to a slice. http://hl7.org/fhir/R4/profiling.html#discriminator

Three answers: None where it takes a resource or value set that is not at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from fhir_server.definitions.profiles import Discriminator, Profile, Slicing, TypeRule, profiles
from fhir_server.fhirpath import Node, Scope
from fhir_server.fhirpath.type_tree import ancestry
from fhir_server.validation.profiles.bindings import in_value_set
from fhir_server.validation.profiles.expectations import Expectation, canonical_of, expectation
from fhir_server.validation.profiles.fixed_and_pattern import equal, fits
from fhir_server.validation.profiles.plan import element_plan, plan
from fhir_server.validation.profiles.steps import Step, select, steps
from fhir_server.validation.profiles.tree import Tree
from fhir_server.validation.profiles.trial import Trial
from fhir_server.validation.references import type_of

Verdict = bool | None
Test = Callable[[Node, Scope, Trial], Verdict]


def belongs(slice: Tree, slicing: Slicing, node: Node, scope: Scope, trial: Trial) -> Verdict:
    """Whether the value `node` is in the slice: every discriminator has to say so."""
    if not slicing.discriminators:
        return trial(element_plan(slice, False), node, scope)
    verdict: Verdict = True
    for test in _tests(slice, slicing):
        found = test(node, scope, trial)
        if found is False:
            return False
        verdict = verdict if found else None
    return verdict


@cache
def _tests(slice: Tree, slicing: Slicing) -> tuple[Test, ...]:
    return tuple(_test(slice, one) for one in slicing.discriminators)


def _test(slice: Tree, discriminator: Discriminator) -> Test:
    path = steps(discriminator.path)
    if path is None:
        return _unknown
    expected = expectation(slice, path)
    if discriminator.type == "type":
        return _type_test(expected, path)
    if discriminator.type == "profile":
        return _profile_test(expected, path)
    if discriminator.type == "exists":
        return _exists_test(expected, path)
    if path == (Step("child", "url"),):
        url = canonical_of(slice)
        if url is not None:
            return lambda node, scope, trial: node.value.get("url") == url
    return _value_test(expected, path)


def _unknown(node: Node, scope: Scope, trial: Trial) -> Verdict:
    return None


def _over(path: tuple[Step, ...], says: Callable[[Node, Scope, Trial], Verdict]) -> Test:
    """A test that one of the values at the path has to meet."""

    def test(node: Node, scope: Scope, trial: Trial) -> Verdict:
        found = select(node, path, scope)
        if found is None:
            return None
        return _any(says(one, scope, trial) for one in found)

    return test


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    listed = list(verdicts)
    return True if True in listed else None if None in listed else False


def _value_test(expected: Expectation | None, path: tuple[Step, ...]) -> Test:
    if expected is None:
        return _unknown
    element, given = expected.tree.element, expected.given
    if element.fixed is not None:
        return _over(path, lambda node, scope, trial: equal(node.value, element.fixed))
    if element.pattern is not None:
        return _over(path, lambda node, scope, trial: fits(node.value, element.pattern))
    if given:
        return _over(path, lambda node, scope, trial: any(fits(node.value, one) for one in given))
    binding = element.binding
    if binding is not None and binding.strength == "required" and binding.value_set:
        url = binding.value_set
        return _over(path, lambda node, scope, trial: in_value_set(url, node))
    held = element_plan(expected.tree, False)
    if not held.active:
        return _unknown
    return _over(path, lambda node, scope, trial: trial(held, node, scope))


def _exists_test(expected: Expectation | None, path: tuple[Step, ...]) -> Test:
    if expected is None:
        return _unknown
    element = expected.tree.element
    if element.max != 0 and element.min == 0:
        return _unknown

    def test(node: Node, scope: Scope, trial: Trial) -> Verdict:
        found = select(node, path, scope)
        return None if found is None else bool(found) == (element.max != 0)

    return test


def _type_test(expected: Expectation | None, path: tuple[Step, ...]) -> Test:
    if expected is None or not expected.tree.element.types:
        return _unknown
    rules = expected.tree.element.types
    if path and path[-1].kind == "resolve":
        allowed = frozenset(_target_types(rules))
        return _over(path[:-1], lambda node, scope, trial: _target_is(node, allowed, scope))
    codes = frozenset(rule.code for rule in rules)
    return _over(path, lambda node, scope, trial: not codes.isdisjoint(ancestry(node.type)))


def _target_types(rules: tuple[TypeRule, ...]) -> Iterable[str]:
    for rule in rules:
        for url in rule.targets:
            known = profiles().get(url)
            yield known.type if known else url.rpartition("/")[2]


def _target_is(reference: Node, allowed: frozenset[str], scope: Scope) -> Verdict:
    found = select(reference, (Step("resolve"),), scope)
    if found:
        return found[0].type in allowed
    written = reference.value.get("reference")
    type = type_of(written) if isinstance(written, str) else None
    return None if type is None else type in allowed


def _profile_test(expected: Expectation | None, path: tuple[Step, ...]) -> Test:
    if expected is None:
        return _unknown
    targets = bool(path) and path[-1].kind == "resolve"
    urls = [
        url
        for rule in expected.tree.element.types
        for url in (rule.targets if targets else rule.profiles)
    ]
    known = [profiles()[url] for url in urls if url in profiles()]
    if not urls or len(known) < len(urls):
        return _unknown

    def says(node: Node, scope: Scope, trial: Trial) -> Verdict:
        return _any(_conforms(node, one, scope, trial) for one in known)

    return _over(path, says)


def _conforms(node: Node, profile: Profile, scope: Scope, trial: Trial) -> Verdict:
    if profile.type not in ancestry(node.type):
        return False
    return trial(plan(profile, False), node, scope)
