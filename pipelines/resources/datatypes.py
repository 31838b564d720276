"""Small FHIR datatypes that several resources need, and the system addresses of this product."""

from __future__ import annotations

from typing import Any

from fhir_server.resource import Resource

PRODUCT = "https://aimed.example/fhir"
"""Base of our own extensions and code systems."""

LOINC = "http://loinc.org"
AIAST = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
"""HL7 security label: asserted by a machine and not yet confirmed by a person."""

SEGMENT = f"{PRODUCT}/StructureDefinition/transcript-segment"
"""Extension: the id of a transcript segment that proves something."""


def coding(system: str, code: str, display: str | None = None) -> dict[str, str]:
    """A Coding."""
    found = {"system": system, "code": code}
    return {**found, "display": display} if display else found


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    found: dict[str, Any] = {"coding": [coding(system, code, display)]}
    return {**found, "text": display} if display else found


def reference(to: str, display: str | None = None) -> dict[str, str]:
    """A literal Reference."""
    return {"reference": to, "display": display} if display else {"reference": to}


def unlabelled(resource: Resource) -> Resource:
    """The resource without its AIAST label: a person has confirmed it."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name != "security"}
    labels = [
        one for one in resource.get("meta", {}).get("security", []) if one["code"] != AIAST["code"]
    ]
    if labels:
        meta["security"] = labels
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta else rest


def segments(ids: tuple[str, ...]) -> list[dict[str, Any]]:
    """One extension for each transcript segment."""
    return [{"url": SEGMENT, "valueString": id} for id in ids]
