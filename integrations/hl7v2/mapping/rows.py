"""Rows of segment maps, compiled: what to do with a field, found once and done often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.hl7v2.mapping.conditions import (
    Condition,
    ConditionError,
    FieldPath,
    compile_condition,
    field_path,
)
from integrations.hl7v2.mapping.datatypes.catalogue import Convert, Use, converter
from integrations.hl7v2.mapping.paths import EXTENSION, PathError, Target, resolve
from integrations.hl7v2.mapping.special import CALLS, Call
from integrations.hl7v2.mapping.us_core import US_CORE

Row = Mapping[str, Any]
_KNOWN = frozenset((
    "field", "v2", "to", "type", "when", "narrative", "codes", "value", "formula", "call", "rep",
    "each", "note",
))  # fmt: skip
_CALLS = CALLS | US_CORE
_TYPED = re.compile(r"(\w+)\[")


class RowError(ValueError):
    """A row that cannot be compiled; the text names its field and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One compiled row. `spread` is the step at which repetitions of the field part, -1 for none.

    `constant` is set when the field is valued; else `convert` makes the value. `call` does more
    than one row can say.
    """

    when: Condition | None
    component: int
    target: Target | None
    spread: int
    constant: Any = None
    convert: Convert | None = None
    components: frozenset[int] = frozenset()
    use: Use = field(default_factory=Use)
    call: Call | None = None
    first_only: bool = False
    joined: bool = False
    plain: bool = False  # no condition, no part of a field, nothing joined: the quick way
    direct: str = ""  # the element, where the target is one element of the resource itself


@dataclass(frozen=True)
class SegmentMap:
    """All operations of one segment map: `fields` by number, `always` for the segment itself."""

    name: str
    resource: str
    segment: str
    fields: Mapping[int, tuple[Operation, ...]]
    always: tuple[Operation, ...]
    ignored: Mapping[int, str]


def compile_map(
    name: str,
    rows: Iterable[Row],
    ignored: Mapping[str, str],
    narratives: Mapping[str, str],
    faults: list[tuple[str, Row, str]],
) -> SegmentMap:
    """The segment map `name`, such as `PID[Patient]`.

    A row that cannot be compiled goes into `faults` as (map, row, reason) and nowhere else.
    """
    segment, _, rest = name.partition("[")
    resource = rest.rstrip("]").partition("-")[0]
    held = [row for row in rows if not _unusable(name, row, narratives, faults)]
    urls = _urls(held)
    compiled: list[tuple[int, Row, Operation]] = []
    for row in held:
        if EXTENSION.match(row.get("to", "")) and "value" in row:
            continue
        try:
            number, operation = _operation(resource, segment, row, urls, narratives)
        except (PathError, ConditionError, RowError) as error:
            faults.append((name, row, str(error)))
        else:
            compiled.append((number, row, operation))
    fields: dict[int, list[Operation]] = {}
    for number, operation in _spread(compiled):
        fields.setdefault(number, []).append(operation)
    always = tuple(fields.pop(0, ()))
    dropped = {int(key.partition("-")[2].partition(".")[0]): why for key, why in ignored.items()}
    return SegmentMap(
        name, resource, segment, {n: tuple(ops) for n, ops in fields.items()}, always, dropped
    )


def _unusable(
    name: str, row: Row, narratives: Mapping[str, str], faults: list[tuple[str, Row, str]]
) -> bool:
    unknown = set(row) - _KNOWN
    reason = ""
    if unknown:
        reason = f"unknown keys: {', '.join(sorted(unknown))}"
    elif "narrative" in row and "when" not in row:
        rule = _narrative(row["narrative"], narratives)
        if rule is None:
            reason = "its condition is told in words only"
        elif rule.startswith("never: "):
            reason = rule.removeprefix("never: ")
    if reason:
        faults.append((name, row, reason))
    return bool(reason)


def _narrative(text: str, narratives: Mapping[str, str]) -> str | None:
    for begin, rule in narratives.items():
        if text.startswith(begin):
            return rule
    return None


def _urls(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """The urls of extensions by field and path."""
    made = {}
    for row in rows:
        found = EXTENSION.match(row.get("to", ""))
        if found and "value" in row:
            made[row.get("field", ""), found[1]] = row["value"]
    return made


def _operation(
    resource: str,
    segment: str,
    row: Row,
    urls: Mapping[tuple[str, str], str],
    narratives: Mapping[str, str],
) -> tuple[int, Operation]:
    path = _place(row, segment)
    when = _condition(row, narratives)
    component = path.component
    if "call" in row:
        call = _CALLS.get(row["call"])
        if call is None:
            raise RowError(f"there is no call {row['call']!r}; there are {', '.join(_CALLS)}")
        return path.field, Operation(when, component, None, -1, call=call)
    if "to" not in row:
        raise RowError("a row needs `to`, the element that it fills")
    own = {prefix: url for (at, prefix), url in urls.items() if at == row.get("field", "")}
    target = resolve(resource, row["to"], own)
    if "formula" in row and "value" not in row:
        raise RowError(f"its value is told by a formula: {row['formula']}")
    if "value" in row:
        value = _constant(row["value"], target)
        return path.field, Operation(when, component, target, -1, constant=value)
    return path.field, _conversion(row, path, when, target)


def _conversion(row: Row, path: FieldPath, when: Condition | None, target: Target) -> Operation:
    typed = _TYPED.match(row.get("type", ""))
    v2 = row.get("v2") or (typed[1] if typed else "ST")
    if v2 == "varies":
        v2 = typed[1] if typed else "ST"
    if typed and typed[1] != v2 and converter(typed[1], target.type):
        v2 = typed[1]
    wanted = target.type + (":" + row["each"] if "each" in row else "")
    found = converter(v2, wanted)
    if found is None and target.steps[-1].resource:
        found = converter(v2, "Reference")
    if found is None:
        raise RowError(f"nothing makes {wanted} of {v2}")
    targets = frozenset((target.type,)) if target.steps[-1].resource else target.targets
    read = frozenset((path.component,)) if path.component else found.components
    use = Use(row.get("codes", ""), target.allowed, targets)
    return Operation(
        when, path.component, target, -1, None, found.convert, read, use,
        first_only=row.get("rep") == "first", joined=row.get("rep") == "join",
    )  # fmt: skip


def _place(row: Row, segment: str) -> FieldPath:
    text = row.get("field", "")
    if text in ("", segment):
        return FieldPath(segment, 0)
    path = field_path(text)
    if path.segment != segment:
        raise RowError(f"{text} is no field of {segment}")
    return path


def _condition(row: Row, narratives: Mapping[str, str]) -> Condition | None:
    text = row.get("when", "")
    if not text and "narrative" in row:
        text = _narrative(row["narrative"], narratives) or ""
    return None if text in ("", "always") else compile_condition(text)


def _constant(value: Any, target: Target) -> Any:
    if target.type == "boolean" and isinstance(value, str):
        return value == "true"
    if isinstance(value, str) and target.type in ("integer", "positiveInt", "unsignedInt"):
        return int(value)
    if isinstance(value, str) and target.type == "decimal":
        return int(value)
    if isinstance(value, str) and target.type == "CodeableConcept":
        return {"text": value}
    if target.allowed is not None and value not in target.allowed:
        raise RowError(f"{value!r} is no code of {target.steps[-1].slot}")
    return value


def _spread(
    compiled: Sequence[tuple[int, Row, Operation]],
) -> Iterable[tuple[int, Operation]]:
    """Repetitions part at the last list on the way of the value; constants go along with it."""
    slots: dict[int, list[str]] = {}
    for number, _, operation in compiled:
        if operation.convert and operation.target and not operation.joined:
            at = _last_list(operation.target)
            if at >= 0:
                slots.setdefault(number, []).append(operation.target.steps[at].slot)
    for number, _, operation in compiled:
        target = operation.target
        if target is None:
            yield number, _with_spread(operation, -1)
            continue
        if operation.convert:
            at = -1 if operation.joined else _last_list(target)
        else:
            known = slots.get(number, [])
            at = max((i for i, s in enumerate(target.steps) if s.slot in known), default=-1)
        yield number, _with_spread(operation, at)


def _last_list(target: Target) -> int:
    extension = next((at for at, step in enumerate(target.steps) if step.url), -1)
    if extension >= 0:
        return extension  # each repetition is an extension of its own, parts and all
    return max((at for at, step in enumerate(target.steps) if step.many), default=-1)


def _with_spread(operation: Operation, spread: int) -> Operation:
    return Operation(
        operation.when, operation.component, operation.target, spread, operation.constant,
        operation.convert, operation.components, operation.use, operation.call,
        operation.first_only, operation.joined, *_quick(operation),
    )  # fmt: skip


def _quick(operation: Operation) -> tuple[bool, str]:
    target = operation.target
    plain = not (operation.when or operation.component or operation.joined)
    if target is None or operation.convert is None:
        return plain and operation.call is not None, ""
    step = target.steps[0]
    alone = len(target.steps) == 1 and not (step.many or step.resource)
    return plain, step.key if alone else ""
