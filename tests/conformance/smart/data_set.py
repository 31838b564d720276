"""What is recorded: two patients, a third that links to the first, and one with a secret."""

from __future__ import annotations

from tests.conformance.asking import LOINC, Json, coded, coding, resource, to

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABEL = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def seen(id: str, patient: str, category: str, **more: Json) -> Json:
    """An Observation of a patient."""
    members: Json = {
        "status": "final",
        "code": coded(LOINC, "8867-4"),
        "category": [coded(CATEGORY, category)],
        "subject": to(f"Patient/{patient}"),
    }
    return resource("Observation", id, **members, **more)


def visit(id: str, patient: str) -> Json:
    """An Encounter of a patient."""
    members: Json = {"status": "finished", "class": coding(ACT, "AMB")}
    return resource("Encounter", id, subject=to(f"Patient/{patient}"), **members)


DATA = [
    resource("Practitioner", "p1", name=[{"family": "Adams"}]),
    resource("Patient", "a", name=[{"family": "Able"}]),
    resource("Patient", "b", name=[{"family": "Baker"}]),
    resource("Patient", "c", link=[{"other": to("Patient/a"), "type": "seealso"}]),
    visit("a-visit", "a"),
    visit("b-visit", "b"),
    seen("a-lab", "a", "laboratory"),
    seen("a-vital", "a", "vital-signs"),
    seen("a-secret", "a", "laboratory", meta={"security": [coding(LABEL, "V")]}),
    seen("b-lab", "b", "laboratory"),
    seen("c-lab", "c", "laboratory"),
    resource("Condition", "a-ill", subject=to("Patient/a"), code={"text": "flu"}),
]
