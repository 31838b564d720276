"""References between drafts become those of resources, and those to one become those to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.hl7v2.mapping.draft import DRAFT_SCHEME


def resolved(value: Any, found: Mapping[str, str]) -> Any:
    """A copy of `value` in which `draft:` references lead to `found`. Raises `KeyError`."""
    if isinstance(value, dict):
        return {
            name: found[member[len(DRAFT_SCHEME) :]]
            if name == "reference" and isinstance(member, str) and member.startswith(DRAFT_SCHEME)
            else resolved(member, found)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [resolved(one, found) for one in value]
    return value


def repointed(value: Any, old: str, new: str) -> Any:
    """A copy of `value` in which each reference to `old` leads to `new`."""
    if isinstance(value, dict):
        return {
            name: new if name == "reference" and member == old else repointed(member, old, new)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [repointed(one, old, new) for one in value]
    return value
