"""Everything that is demanded of a resource: its structure, the invariants of R4, its profiles."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.errors import Issue
from fhir_server.resource import Resource
from fhir_server.validation.invariants import check_invariants
from fhir_server.validation.profiles import check_profiles
from fhir_server.validation.structure import check


def validate(
    resource: Resource,
    *,
    warnings: bool = False,
    profiles: Iterable[str] = (),
    one_of: Iterable[str] = (),
) -> tuple[Issue, ...]:
    """Every problem of `resource`, each with its FHIRPath; an empty tuple when there is none.

    It is held to the profiles that it claims and are known here, to all in `profiles`, and to one
    of those in `one_of` that are for its type. Invariants and profiles are evaluated on a sound
    structure only. `warnings` asks for the rules of best practice as well, such as that a resource
    should have a narrative. Raises `NotSupported` for one of `profiles` that is not known here.
    """
    issues = check(resource)
    if any(issue.severity in ("fatal", "error") for issue in issues):
        return issues
    issues += check_invariants(resource, warnings=warnings)
    return issues + check_profiles(resource, warnings=warnings, demand=profiles, one_of=one_of)
