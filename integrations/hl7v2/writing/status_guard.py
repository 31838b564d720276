"""How far a result or a document has come: the preliminary never replaces the final."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from fhir_server.resource import Resource

SETTLED, OPEN = 2, 1


def standing(resource: Resource) -> tuple[int, int]:
    """Whether a result is settled, as the rank of its tag, and its place among the statuses.

    Of two settled versions the later one stands, of two at one moment that with the higher status.
    """
    status = resource.get("docStatus") or resource.get("status", "")
    settled, order = _ranks()
    if resource["resourceType"] == "DocumentReference" and "docStatus" not in resource:
        return SETTLED, 0  # without a docStatus a document is taken to be complete
    return (SETTLED if status in settled else OPEN), order.get(status, 0)


@cache
def _ranks() -> tuple[frozenset[str], dict[str, int]]:
    text = files("integrations.hl7v2.writing").joinpath("data/status_ranks.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return frozenset(table["settled"]), {code: place for place, code in enumerate(table["order"])}
