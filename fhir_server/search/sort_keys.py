"""What a resource is sorted by under each parameter. FHIR R4 3.1.1.5.1.

One scalar a parameter: the least of its values, which an ascending sort goes by; where several
differ the greatest too, for a descending one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fhir_server.search.amounts import Amount
from fhir_server.search.keys import texts
from fhir_server.search.text import fold

SortValue = str | float | datetime
SORT_LIMIT = 80
"""Characters of a text that the order goes by."""


def sort_text(kind: str, type: str, value: Any) -> str | None:
    """The text that a string, token, reference or uri is sorted by."""
    if kind == "string":
        return next((fold(text)[:SORT_LIMIT] for text in texts(type, value)), None)
    if isinstance(value, bool):
        return "true" if value else "false"
    if type == "CodeableConcept":
        codings = value.get("coding")
        value = (codings[0].get("code") if codings else None) or value.get("text")
    elif isinstance(value, dict):
        value = value.get("code") or value.get("value") or value.get("reference")
    return value[:SORT_LIMIT] if isinstance(value, str) else None


def sort_number(found: Sequence[Amount]) -> float | None:
    """The number that a quantity is sorted by: in base units if it has any."""
    best = next((one for one in found if one[0].startswith("|=")), found[0] if found else None)
    return None if best is None else (best[1] if best[1] > float("-inf") else best[2])
