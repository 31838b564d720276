"""The policy tables: what roles may do and see, and which types are about no single person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fhir_server.auth.scopes import Grant, grants

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


@dataclass(frozen=True)
class Role:
    """What an account with the role may do at most, and the confidentiality codes it may see."""

    name: str
    grants: tuple[Grant, ...]
    sees: frozenset[str]


@cache
def roles() -> dict[str, Role]:
    """Every role by its name."""
    return {
        name: Role(name, grants(" ".join(entry["scopes"])), frozenset(entry["sees"]))
        for name, entry in _table("roles.json")["roles"].items()
    }


@cache
def confidentiality_codes() -> tuple[str, ...]:
    """Every code that some role may see, from the least to the most confidential."""
    return tuple(_table("roles.json")["confidentiality"])


@cache
def shared_types() -> frozenset[str]:
    """Types that `patient/` scopes give as a whole."""
    return frozenset(_table("shared_types.json")["types"])


def _table(name: str) -> dict[str, Any]:
    text = resources.files("fhir_server.auth").joinpath("data", name).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
