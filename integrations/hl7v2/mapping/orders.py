"""Orders and results that share a number are told apart.

Senders put several OBR under one ORC, or one placer number on every test of a request. The first
goes by the number, as a message about the whole request does, each other one by the number and its
code. And they send one code several times in a report, without the sub-id of OBX-4.
"""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Identity, Json
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.drafts import Building, Drafts

TAKEN_APART = frozenset((Policy.ORDER, Policy.RESULT))
"""What is of one segment alone. A CareTeam gathers what many segments say."""

_CODES = ("code", "medicationCodeableConcept", "vaccineCode")
_GIVEN = ("occurrenceDateTime", "effectiveDateTime", "whenHandedOver")
_NUMBERED = frozenset(("Observation", "MedicationAdministration", "MedicationDispense"))


def tell_apart(building: Building, drafts: Drafts, context: Context) -> None:
    """Gives what goes by the identity of another draft of the message one of its own.

    Orders and immunizations by their code; results that say the same code again by their place
    among them, which is the same in the next version of the report.
    """
    type = building.resource["resourceType"]
    first = building.identities[0] if building.identities else None
    other = drafts.known(type, first) if first else None
    if first is None or other is None or other is building:
        return
    if type in _NUMBERED:
        number = drafts.again(type, first)
        building.identities = []
        drafts.identify(building, [(first[0], f"{first[1]}|{number}")])
    elif _called(building.resource) and _called(other.resource) not in (
        "",
        _called(building.resource),
    ):
        _by_code(building, first, drafts, context)


def _by_code(building: Building, first: Identity, drafts: Drafts, context: Context) -> None:
    type = building.resource["resourceType"]
    building.identities = [
        one for one in building.identities if drafts.known(type, one) is building
    ]
    if not building.identities:
        name = "|".join((*first, _called(building.resource)))
        drafts.identify(building, [(context.local("part"), name)])


def _called(resource: Json) -> str:
    """The code of what is ordered or given, else its text, and when it was given."""
    concept: Json = next((resource[name] for name in _CODES if name in resource), {})
    codes = (c.get("code") or c.get("display") for c in concept.get("coding", ()))
    found = str(next(filter(None, codes), "") or concept.get("text", ""))
    given = next((resource[name] for name in _GIVEN if name in resource), "")
    return f"{found}|{given}" if found and resource["resourceType"] == "Immunization" else found
