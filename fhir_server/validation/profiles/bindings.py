"""Bindings to value sets. http://hl7.org/fhir/R4/terminologies.html#strength

Required: a code of the set. Extensible: a code of the set, or text or another code where none of
the set applies, which cannot be told by a program and therefore only warns. What cannot be decided
with the value sets at hand breaks no binding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from fhir_server.definitions.profiles import Binding
from fhir_server.fhirpath.node import Node
from terminology import value_sets

Coded = tuple[str | None, str]
"""System and code; None where the value has no system."""


def binding_fault(
    binding: Binding, node: Node, warnings: bool
) -> tuple[Literal["error", "warning"], str] | None:
    """The severity and text of a broken binding; None too when nobody can tell."""
    if node.value is None:
        return None
    coded = _coded(node)
    if coded is None:
        return None
    if binding.strength == "required" and binding.value_set:
        excused = not coded and isinstance(node.value, dict) and "extension" in node.value
        if not excused and _absent(binding.value_set, coded, node):
            return "error", f"has no code of the required value set {_named(binding.value_set)}"
    if binding.maximum and coded and _absent(binding.maximum, coded, node):
        return "error", f"has no code of the largest value set allowed, {_named(binding.maximum)}"
    url = binding.value_set if warnings and binding.strength == "extensible" else None
    if url and coded and _absent(url, coded, node):
        return "warning", f"has no code of the extensible value set {_named(url)}"
    return None


def in_value_set(url: str, node: Node) -> bool | None:
    """Whether a coded value is in a value set, None for not known."""
    coded = _coded(node)
    if coded is None:
        return None
    verdicts = [_member(url, one, node) for one in coded]
    return True if True in verdicts else None if None in verdicts else False


def _coded(node: Node) -> list[Coded] | None:
    """The codes of a value, None when its type has none."""
    value = node.value
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return None
    if node.type == "CodeableConcept":
        return list(_pairs(value.get("coding", ())))
    if node.type in ("Coding", "Quantity"):
        return list(_pairs([value]))
    return None


def _pairs(codings: Iterable[dict[str, Any]]) -> Iterable[Coded]:
    for one in codings:
        if isinstance(one.get("code"), str):
            yield one.get("system"), one["code"]


def _absent(url: str, coded: list[Coded], node: Node) -> bool:
    return all(_member(url, one, node) is False for one in coded)


def _member(url: str, coded: Coded, node: Node) -> bool | None:
    system, code = coded
    if system is None and isinstance(node.value, dict):
        # A code without a system stands for nothing; of a Quantity it may be known from `unit`.
        return False
    return value_sets.contains(url, system, code)


def _named(url: str) -> str:
    return url.partition("|")[0].rpartition("/")[2]
