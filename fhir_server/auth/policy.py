"""The policy tables: what roles may do and see, and which types are about no single person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fhir_server.auth.scopes import Grant, grants
from fhir_server.labels import ACT_CODE, CONFIDENTIALITY, Label, sensitivity_codes
from fhir_server.labels.lattice import LEVELS

_ANY = "*"


@dataclass(frozen=True)
class Role:
    """What an account with the role may do at most, which labels it may see, and what for.

    `purposes` are codes of v3-ActReason; `declassifies` is whether it may take labels away,
    `keeps_consents` whether it reads and writes directives that bind itself.
    """

    name: str
    grants: tuple[Grant, ...]
    sees: frozenset[Label]
    purposes: frozenset[str]
    declassifies: bool
    keeps_consents: bool


@cache
def roles() -> dict[str, Role]:
    """Every role by its name."""
    return {name: _role(name, row) for name, row in _table("roles.json")["roles"].items()}


def _role(name: str, row: dict[str, Any]) -> Role:
    reasons = sensitivity_codes() if _ANY in row["sensitivity"] else row["sensitivity"]
    sees = {(CONFIDENTIALITY, code) for code in row["sees"]}
    return Role(
        name=name,
        grants=grants(" ".join(row["scopes"])),
        sees=frozenset(sees | {(ACT_CODE, code) for code in reasons}),
        purposes=frozenset(row["purposes"]),
        declassifies=row.get("declassifies", False),
        keeps_consents=row.get("keeps_consents", False),
    )


@cache
def restricting_labels() -> tuple[Label, ...]:
    """Every label that somebody may not see."""
    levels = [(CONFIDENTIALITY, code) for code in LEVELS]
    return (*levels, *((ACT_CODE, code) for code in sorted(sensitivity_codes())))


def purposes_of(names: tuple[str, ...], stated: str) -> frozenset[str]:
    """What somebody with these roles uses data for, in codes of v3-ActReason.

    `stated` is the purpose of a token that has one; applications without a person have their own.
    """
    if stated:
        return frozenset({stated})
    held = [roles()[name] for name in names if name in roles()]
    if not held:
        return frozenset(_table("roles.json")["applications"]["purposes"])
    return frozenset(code for one in held for code in one.purposes)


def may_declassify(names: tuple[str, ...]) -> bool:
    """Whether one of the roles may take security labels away."""
    return any(roles()[name].declassifies for name in names if name in roles())


def may_keep_consents(names: tuple[str, ...]) -> bool:
    """Whether one of the roles keeps the directives themselves: else none could be taken back."""
    return any(roles()[name].keeps_consents for name in names if name in roles())


@cache
def shared_types() -> frozenset[str]:
    """Types that `patient/` scopes give as a whole."""
    return frozenset(_table("shared_types.json")["types"])


@cache
def _table(name: str) -> dict[str, Any]:
    text = resources.files("fhir_server.auth").joinpath("data", name).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
