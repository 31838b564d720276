"""A resource held to the profiles that it claims and to those that are demanded of it.

For resources that the structure check found clean.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.definitions.profile_compiler import CORE
from fhir_server.definitions.profiles import Profile, profiles
from fhir_server.errors import Issue, NotSupported
from fhir_server.fhirpath import Node, Scope, root
from fhir_server.fhirpath.type_tree import ancestry
from fhir_server.resource import Resource
from fhir_server.validation.profiles.claims import claimed, inner_resources, unknown
from fhir_server.validation.profiles.extensions import defined_extensions
from fhir_server.validation.profiles.targets import entries
from fhir_server.validation.profiles.walk import Walk, names


def check_profile(resource: Resource, url: str, *, warnings: bool = False) -> tuple[Issue, ...]:
    """`check_against` for a profile known here. Raises `NotSupported` for another one."""
    profile = demanded(url, resource["resourceType"])
    return check_against(resource, profile, warnings=warnings)


def check_against(
    resource: Resource, profile: Profile, *, warnings: bool = False
) -> tuple[Issue, ...]:
    """Every demand of a profile that `resource` does not meet, the extensions in it included.

    With `warnings` also extensible bindings, rules of best practice and, as information, absent
    elements of which support is demanded.
    """
    walk, node = Walk(resource, warnings), root(resource)
    _check(walk, node, Scope(node, resolve=entries(node)), [profile])
    return walk.issues


def check_profiles(
    resource: Resource,
    *,
    warnings: bool = False,
    demand: Iterable[str] = (),
    one_of: Iterable[str] = (),
) -> tuple[Issue, ...]:
    """`check_profile` for all that are claimed, also by resources inside, and all in `demand`.

    Of the profiles in `one_of` that are for its type, if any, the resource has to meet one. With
    `warnings` claims of unknown profiles are told as well. Raises `NotSupported` for a profile in
    `demand` that is not known here.
    """
    node = root(resource)
    wanted = [demanded(url, node.type) for url in demand]
    choice = [one for one in map(profiles().get, one_of) if one and one.type == node.type]
    if len(choice) == 1:
        wanted += choice
    walk, scope = Walk(resource, warnings), Scope(node, resolve=entries(node))
    _claims(walk, node, scope, wanted, warnings)
    if len(choice) > 1 and not walk.meets_one(choice, node, scope):
        walk.tell("structure", f"meets none of: {names(choice)}", node)
    return walk.issues


def demanded(url: str, type: str) -> Profile:
    """A known profile. Raises `NotSupported`, which names those that are known for the type."""
    found = profiles().get(url)
    if found is not None:
        return found
    known = sorted(one for one in profiles() if profiles()[one].type == type)
    listed = f"known for {type}: {', '.join(known)}" if known else f"none is known for {type}"
    raise NotSupported(f"That profile is not known here; {listed}.")


def must_support(url: str) -> tuple[str, ...]:
    """The ids of the elements of which a known profile demands support, `Patient.name` say."""
    return tuple(one.id for one in profiles()[url].elements if one.must_support)


def _claims(walk: Walk, node: Node, scope: Scope, wanted: list[Profile], warnings: bool) -> None:
    claims = [profiles()[url] for url in claimed(node.value)]
    _check(walk, node, scope, list(dict.fromkeys([*claims, *wanted])))
    if warnings:
        _unknown(walk, node)
    for resource, location, is_contained in inner_resources(node.value, node.location or ()):
        inner = Node(resource["resourceType"], resource, None, location)
        top = scope.top if is_contained else inner
        within = Scope(inner, top=top, resolve=scope.resolve or entries(inner))
        _claims(walk, inner, within, [], warnings)


def _check(walk: Walk, node: Node, scope: Scope, listed: list[Profile]) -> None:
    for profile in listed:
        if profile.type in ancestry(node.type):
            walk.check(profile, node, scope)
        else:
            walk.tell("invalid", f"is no {profile.type}, which {profile.short} is for", node)
    for extension, definition in defined_extensions(node):
        # R4's own do not change; those of a guide are of the version that a claim names.
        if listed or definition.url.startswith(CORE):
            walk.check(definition, extension, scope)


def _unknown(walk: Walk, node: Node) -> None:
    for position, _ in unknown(node.value):
        place = f"meta.profile[{position}]"
        walk.tell("not-found", "is not known here, so it is not checked", node, place, "warning")
