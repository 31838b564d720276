"""The order of security labels. https://hl7.org/fhir/R4/security-labels.html

Confidentiality is a line from U to V; sensitivity labels are a set. The label of several resources
together is their high-water mark: the highest confidentiality and every sensitivity of any.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from fhir_server.resource import Resource, loads
from terminology.value_sets import descendants

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

LEVELS = ("U", "L", "M", "N", "R", "V")
"""Confidentiality from the least to the most."""

Label = tuple[str, str]
"""System and code."""

_MARK = b'"security"'


def rank(code: str) -> int:
    """The place of a confidentiality code; what is none stands at normal."""
    return LEVELS.index(code if code in LEVELS else "N")


@cache
def sensitivity_codes() -> frozenset[str]:
    """The codes of v3-ActCode that say why information is sensitive."""
    found = descendants(ACT_CODE, "_InformationSensitivityPolicy") or frozenset()
    return frozenset(code for code in found if not code.startswith("_"))


def is_protected(label: Label) -> bool:
    """Whether a label restricts who may see a resource, so that it is not lowered by accident."""
    system, code = label
    return system == CONFIDENTIALITY or (system == ACT_CODE and code in sensitivity_codes())


def label_of(coding: Any) -> Label:
    """System and code of a Coding; empty where it has none."""
    return str(coding.get("system", "")), str(coding.get("code", ""))


def labels_of(resource: Resource) -> tuple[Label, ...]:
    """The labels of a resource, in its order."""
    return tuple(label_of(one) for one in resource.get("meta", {}).get("security", ()))


def labels_in(raw: bytes) -> tuple[Label, ...]:
    """The labels of a resource's bytes, which are parsed only if there may be any."""
    return labels_of(loads(raw)) if _MARK in raw else ()


def coding(label: Label) -> dict[str, str]:
    """A label as a Coding."""
    return {"system": label[0], "code": label[1]}


def high_water_mark(each: Iterable[Iterable[Label]]) -> tuple[Label, ...]:
    """The label of resources together, given those of each; nothing when none has any.

    A resource without a confidentiality counts as normal, N.
    """
    levels: list[str] = []
    others: dict[Label, None] = {}
    labelled = False
    for labels in each:
        own = [code for system, code in labels if system == CONFIDENTIALITY]
        levels.append(max(own, key=rank, default="N"))
        for one in labels:
            labelled = labelled or is_protected(one)
            if one[0] != CONFIDENTIALITY and is_protected(one):
                others[one] = None
    if not labelled:
        return ()
    return ((CONFIDENTIALITY, max(levels, key=rank)), *sorted(others))
