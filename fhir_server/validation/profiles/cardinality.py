"""How often an element or slice stands. http://hl7.org/fhir/R4/profiling.html#cardinality"""

from __future__ import annotations

from fhir_server.definitions.profiles import ProfileElement


def cardinality_fault(element: ProfileElement, count: int) -> tuple[str, str] | None:
    """The issue code and text of a number of values that is not allowed."""
    if count < element.min:
        if count == 0 and element.min == 1:
            return "required", "is missing"
        return "required", f"stands {count} times, {element.min} are required"
    if element.max is not None and count > element.max:
        if element.max == 0:
            return "structure", "is not allowed"
        return "structure", f"stands {count} times, {element.max} at most are allowed"
    return None
