"""Everything that FHIR R4 itself demands of a resource: its structure, then its invariants."""

from __future__ import annotations

from fhir_server.errors import Issue
from fhir_server.resource import Resource
from fhir_server.validation.invariants import check_invariants
from fhir_server.validation.structure import check


def validate(resource: Resource, *, warnings: bool = False) -> tuple[Issue, ...]:
    """Every problem of `resource`, each with its FHIRPath; an empty tuple when there is none.

    Invariants are evaluated on a sound structure only. `warnings` asks for the rules of best
    practice as well, such as that a resource should have a narrative.
    """
    issues = check(resource)
    if any(issue.severity in ("fatal", "error") for issue in issues):
        return issues
    return issues + check_invariants(resource, warnings=warnings)
