"""People, places and roles that a message names without a number are known by what it says of them.

Else every message that names the same doctor would make a new one, and an order that is told again
would be another's. What says more, or something else, is another.
"""

from __future__ import annotations

import hashlib
from typing import Any

from fhir_server.resource import dumps
from integrations.hl7v2.mapping.context import Context, Identity
from integrations.hl7v2.mapping.draft import DRAFT_SCHEME
from integrations.hl7v2.mapping.drafts import Building, Drafts

# A role names a person and an organization, so that those are named first.
_TYPES = ("Organization", "Practitioner", "Location", "Medication", "PractitionerRole")


def name_by_content(drafts: Drafts, context: Context) -> None:
    """Gives identities to the drafts of these types that have none."""
    loose = [one for one in drafts.all.values() if not one.identities]
    for type in _TYPES:
        for building in loose:
            if building.resource["resourceType"] == type:
                drafts.identify(building, [_identity(building, drafts, context)])


def _identity(building: Building, drafts: Drafts, context: Context) -> Identity:
    type = building.resource["resourceType"]
    if type == "Organization":
        for one in building.resource.get("identifier", ()):
            if one.get("system") and one.get("value"):
                return one["system"], one["value"]
    said = dumps(_by_names(building.resource, drafts))
    digest = hashlib.sha256(said).hexdigest()[:32]
    return context.local("content", type, context.facility), digest


def _by_names(value: Any, drafts: Drafts) -> Any:
    """`value` with each reference to a draft as what that is known by."""
    if isinstance(value, dict):
        return {
            name: _named(held, drafts) if name == "reference" else _by_names(held, drafts)
            for name, held in sorted(value.items())
        }
    if isinstance(value, list):
        return [_by_names(one, drafts) for one in value]
    return value


def _named(reference: Any, drafts: Drafts) -> Any:
    found = drafts.all.get(str(reference).removeprefix(DRAFT_SCHEME))
    return "|".join(found.identities[0]) if found and found.identities else reference
