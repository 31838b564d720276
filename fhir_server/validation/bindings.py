"""Required bindings of Coding and CodeableConcept. http://hl7.org/fhir/R4/terminologies.html"""

from __future__ import annotations

from typing import Any


def bound(type: str, content: dict[str, Any], allowed: frozenset[tuple[str, str]]) -> bool:
    """Whether a Coding or CodeableConcept meets its required binding: one coding must."""
    if type == "Coding":
        codings = [content]
    elif type == "CodeableConcept":
        codings = content.get("coding", [])
        if not codings and "extension" in content:  # a data-absent-reason, say
            return True
    else:
        return True
    if not isinstance(codings, list) or not all(isinstance(one, dict) for one in codings):
        return True  # told already
    pairs = ((one.get("system"), one.get("code")) for one in codings)
    return any(
        isinstance(system, str) and isinstance(code, str) and (system, code) in allowed
        for system, code in pairs
    )
