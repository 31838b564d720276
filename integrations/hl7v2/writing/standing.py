"""What two messages say together: R4 ties the status of a problem or an allergy to other elements.

Each message is valid by itself; a problem that is deleted after it was told as active would keep
that status beside its being an error (con-5, ait-2), and one that is active again or an error its
end (con-4).
"""

from __future__ import annotations

from fhir_server.resource import Resource

TYPES = frozenset(("Condition", "AllergyIntolerance"))
_OF_A_STATUS = ("clinicalStatus", "abatement")
_ENDED = frozenset(("inactive", "resolved", "remission"))


def consistent(resource: Resource) -> Resource:
    """`resource` without what its status does not allow."""
    if "entered-in-error" in _codes(resource, "verificationStatus"):
        return {name: held for name, held in resource.items() if not name.startswith(_OF_A_STATUS)}
    status = _codes(resource, "clinicalStatus")
    if resource["resourceType"] == "Condition" and status and not status & _ENDED:
        return {name: held for name, held in resource.items() if not name.startswith("abatement")}
    return resource


def _codes(resource: Resource, name: str) -> set[str]:
    return {one.get("code", "") for one in resource.get(name, {}).get("coding", ())}
