"""Puts a value at its place in a resource, making the entries on the way."""

from __future__ import annotations

from typing import Any, Protocol

from integrations.hl7v2.mapping.context import Json
from integrations.hl7v2.mapping.paths import Step, Target


class Resources(Protocol):
    """The drafts of the message, as far as placing needs them."""

    def new(self, type: str) -> Json:
        """A Reference to a fresh resource of `type`."""

    def resource(self, reference: Json) -> Json | None:
        """The resource that a Reference made here leads to."""


Slots = dict[tuple[str, int], Json]
"""The list entries and references that one segment made, by slot and repetition."""


def place(
    root: Json,
    target: Target,
    spread: int,
    repetition: int,
    slots: Slots,
    value: Any,
    resources: Resources,
    constant: bool = False,
) -> bool:
    """Puts `value` into `root`; False when there is no room for it.

    A constant never overwrites and never adds to a list that a sender's value filled: what the
    sender says goes first.
    """
    node = root
    steps = target.steps
    last = len(steps) - 1
    for at in range(last):
        at_repetition = repetition if 0 <= spread <= at else 0
        found = _into(node, steps[at], at_repetition, slots, resources, constant)
        if found is None:
            return False
        node = found
    step = steps[last]
    at_repetition = repetition if spread >= 0 else 0
    if step.many:
        return _append(node, step, at_repetition, slots, value, constant)
    if repetition and spread < 0 and not constant and step.key in node:
        return False
    return _set(node, step, at_repetition, slots, value, constant)


def _into(
    node: Json, step: Step, repetition: int, slots: Slots, resources: Resources, constant: bool
) -> Json | None:
    """The node one step further in."""
    if step.resource:
        return _through(node, step, repetition, slots, resources, constant)
    if not step.many:
        held = node.get(step.key)
        if isinstance(held, dict):
            return held
        if held is not None:
            return None
        made: Json = {}
        node[step.key] = made
        return made
    key = (step.slot, repetition)
    entry = slots.get(key)
    if entry is None:
        entries = node.setdefault(step.key, [])
        if constant and entries and not step.url and step.key not in _ADDED_TO:
            return None
        entry = {"url": step.url} if step.url else {}
        entries.append(entry)
        slots[key] = entry
    return entry


# Lists in which an entry made of constants alone has a meaning beside others.
_ADDED_TO = frozenset(("extension", "category", "identifier", "participant", "agent", "entity"))


def _through(
    node: Json, step: Step, repetition: int, slots: Slots, resources: Resources, constant: bool
) -> Json | None:
    """The resource behind a reference, made when there is none yet."""
    key = (step.slot + "(" + step.resource, repetition)
    reference = slots.get(key)
    if reference is None:
        if constant:
            return None
        if not step.many and step.key in node:
            found = resources.resource(node[step.key])
            return found if found and found["resourceType"] == step.resource else None
        reference = resources.new(step.resource)
        slots[key] = reference
        if step.many:
            node.setdefault(step.key, []).append(reference)
        else:
            node[step.key] = reference
    return resources.resource(reference)


def _append(
    node: Json, step: Step, repetition: int, slots: Slots, value: Any, constant: bool
) -> bool:
    key = (step.slot + ("(" + step.resource if step.resource else ""), repetition)
    entry = slots.get(key)
    if isinstance(entry, dict) and isinstance(value, dict) and not step.resource:
        for name, held in value.items():
            entry.setdefault(name, held)
        return True
    entries = node.setdefault(step.key, [])
    if constant and entries:
        return False
    if value in entries:
        return True
    entries.append(value)
    if isinstance(value, dict):
        slots[key] = value
    return True


def _set(node: Json, step: Step, repetition: int, slots: Slots, value: Any, constant: bool) -> bool:
    held = node.get(step.key)
    if step.resource:
        key = (step.slot + "(" + step.resource, repetition)
        if held is not None and key in slots:
            return bool(held == value)
        if isinstance(value, dict):
            slots[key] = value
    if isinstance(held, dict) and isinstance(value, dict) and "reference" not in value:
        for name, inner in value.items():
            held.setdefault(name, inner)
        return True
    if constant and held is not None:
        return False
    node[step.key] = value
    return True
