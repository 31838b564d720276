"""Types, their profiles, and what references may lead to.

Source: http://hl7.org/fhir/R4/elementdefinition.html (type.profile, type.targetProfile).
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.profile_compiler import CORE
from fhir_server.definitions.profiles import Profile, TypeRule, profiles
from fhir_server.fhirpath import Node, Scope
from fhir_server.fhirpath.node import is_primitive
from fhir_server.fhirpath.type_tree import ancestry
from fhir_server.validation.profiles.targets import target_at_hand
from fhir_server.validation.references import type_of


def rules_for(node: Node, rules: tuple[TypeRule, ...]) -> list[TypeRule]:
    """Those of the allowed types that a value is of; a code is no string, though derived of it."""
    kinds = {node.type} if is_primitive(node.type) else ancestry(node.type)
    return [rule for rule in rules if rule.code in kinds]


def types_text(rules: tuple[TypeRule, ...]) -> str:
    """What is wrong with a value of another type."""
    return f"must be of type {' or '.join(dict.fromkeys(rule.code for rule in rules))}"


def value_profiles(rules: Iterable[TypeRule]) -> list[Profile]:
    """The profiles of which a value has to meet one; none when one of them is not known here.

    Extensions are left out: their URL says what they have to be, wherever they stand.
    """
    listed = list(rules)
    if any(rule.code == "Extension" or not rule.profiles for rule in listed):
        return []
    return _known(url for rule in listed for url in rule.profiles)


def target_fault(node: Node, rules: Iterable[TypeRule], scope: Scope) -> str | None:
    """What is wrong with the type of that which a Reference names."""
    allowed = _target_types(rules)
    type = _target_type(node, scope)
    if not allowed or type is None or not allowed.isdisjoint(ancestry(type)):
        return None
    return f"must refer to one of: {', '.join(sorted(allowed))}"


def target_profiles(rules: Iterable[TypeRule], type: str) -> list[Profile]:
    """The profiles of which a target of that type has to meet one.

    None when one that it may meet is not known here, or is the type itself.
    """
    urls = [url for rule in rules for url in rule.targets]
    known = _known(url for url in urls if _type_of_profile(url) in (type, None))
    return [one for one in known if one.type == type]


def _known(urls: Iterable[str]) -> list[Profile]:
    listed = list(urls)
    known = [profiles()[url] for url in listed if url in profiles()]
    return known if len(known) == len(listed) else []


def _target_types(rules: Iterable[TypeRule]) -> set[str]:
    """The types that may be referred to, none when that cannot be told."""
    found: set[str] = set()
    for rule in rules:
        for url in rule.targets:
            type = _type_of_profile(url)
            if type is None:
                return set()
            found.add(type)
        if not rule.targets:
            return set()
    return found


def _type_of_profile(url: str) -> str | None:
    profile = profiles().get(url)
    if profile is not None:
        return profile.type
    name = url.removeprefix(CORE)
    return name if name in resource_types() or name == "Resource" else None


def _target_type(node: Node, scope: Scope) -> str | None:
    held = target_at_hand(node, scope)
    if held is not None:
        return held.type
    reference, named = node.value.get("reference"), node.value.get("type")
    type = type_of(reference) if isinstance(reference, str) else None
    if type is None and isinstance(named, str) and named in resource_types():
        return named
    return type
