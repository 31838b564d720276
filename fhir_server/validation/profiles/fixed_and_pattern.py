"""Fixed values and patterns. http://hl7.org/fhir/R4/elementdefinition.html (fixed[x], pattern[x])

A fixed value is met by an equal one, a pattern by one that has all that the pattern has: members
of an object by name, items of a list in any order.
"""

from __future__ import annotations

from typing import Any


def equal(value: Any, fixed: Any) -> bool:
    """Whether `value` is exactly the fixed JSON value."""
    return (type(value) is type(fixed) and bool(value == fixed)) or _same_number(value, fixed)


def fits(value: Any, pattern: Any) -> bool:
    """Whether `value` has all that the pattern has."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], wanted) for name, wanted in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(fits(one, wanted) for one in value) for wanted in pattern
        )
    return equal(value, pattern)


def _same_number(value: Any, fixed: Any) -> bool:
    if isinstance(value, bool | str) or isinstance(fixed, bool | str):
        return False
    return bool(value == fixed)
