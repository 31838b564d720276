"""Limits of vital signs: NEWS2 single parameters, blood pressure stages, glucose."""

from __future__ import annotations

from typing import Any

from terminology.dataset import dataset


def vital_sign_rules() -> list[dict[str, Any]]:
    """Rules in order of weight. `any` lists limits: `part`, optional `unit`, `min`, `max`, `below`.

    `min` and `max` are inclusive, `below` is not. A rule does not apply where the rule named by
    its `unless` does.
    """
    rules: list[dict[str, Any]] = dataset("vital_signs")["rules"]
    return rules
