"""How each kind of access is coded: the table of IHE BALP in data/patterns.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

Coding = dict[str, str]


@dataclass(frozen=True)
class Pattern:
    """The codes of an event; `profile` and `patient_profile` are canonical URLs."""

    type: Coding
    subtype: list[Coding]
    action: str
    client: Coding
    server: Coding
    user: Coding
    profile: str | None
    patient_profile: str | None


@cache
def patterns() -> dict[str, Pattern]:
    """Every pattern by the interaction it is for."""
    text = resources.files("fhir_server.audit").joinpath("data", "patterns.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return {
        name: Pattern(
            type=row["type"],
            subtype=row["subtype"],
            action=row["action"],
            profile=row.get("profile"),
            patient_profile=row.get("patient_profile"),
            **table["agents"][row["agents"]],
        )
        for name, row in table["patterns"].items()
    }
