"""The table of what is mapped, from the tables themselves. `python -m ...reference` prints it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from integrations.hl7v2.mapping.datatypes.registry import converter
from integrations.hl7v2.mapping.tables import Tables, data, default_tables

_HEAD = """\
# HL7 v2 mapping

Which rows of the HL7 v2-to-FHIR guide (1.0.0, R4) are followed, and what is mapped beyond it.
This page is made from the tables by `python -m integrations.hl7v2.mapping.reference`.

*as told*: the row is used as the guide has it. *own row*: a row of ours for the same field says it
in a way that R4 knows or that a program can decide. *elsewhere*: another map of ours tells it. What
is not followed has its reason below.
"""


@dataclass(frozen=True)
class Count:
    """The rows of one segment map of the guide."""

    name: str
    rows: int
    as_told: int
    own: int
    elsewhere: int
    reasons: tuple[tuple[str, str], ...]

    @property
    def left(self) -> int:
        """Rows that are not followed."""
        return self.rows - self.as_told - self.own - self.elsewhere


def counts() -> tuple[Count, ...]:
    """Every segment map of the guide."""
    tables, complements = default_tables(), data("complements")
    return tuple(_count(name, rows, tables, complements) for name, rows in data("segments").items())


def _count(name: str, rows: list[dict[str, str]], tables: Tables, complements: dict) -> Count:  # type: ignore[type-arg]
    unused = complements["unused"].get(name)
    if unused:
        other, reason = unused
        return Count(name, len(rows), 0, 0, len(rows) if other else 0, ((name, reason),))
    change = complements["segments"].get(name, {})
    replaced, dropped = change.get("replace", {}), change.get("drop", {})
    faults = {
        (str(row.get("field")), str(row.get("to"))): reason
        for map, row, reason in tables.faults
        if map == name
    }
    told: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for row in rows:
        field = row.get("field", "")
        fault = faults.get((row.get("field", "None"), row.get("to", "None")))
        if replaced.get(field):
            told["own"] += 1
        elif field in replaced or field in dropped:
            told["left"] += 1
            reasons[field] = dropped.get(field, "R4 has no place for it")
        elif fault:
            told["left"] += 1
            reasons[field or "the segment"] = fault
        else:
            told["as"] += 1
    return Count(name, len(rows), told["as"], told["own"], 0, tuple(reasons.items()))


def data_types() -> tuple[tuple[str, int, int], ...]:
    """Per data type map: its rows, and those whose component the converter reads."""
    made = []
    for name, components in data("catalogue")["datatypes"].items():
        v2, _, target = name.partition("[")
        found = converter(v2, _FHIR_NAMES.get(target.rstrip("]"), target.rstrip("]").split("-")[0]))
        read = sum(
            1
            for one in components
            if found and one.partition(".")[2].partition(".")[0] in map(str, found.components)
        )
        made.append((name, len(components), read))
    return tuple(made)


_FHIR_NAMES = {
    "Identifier-PlacerAssignedIdentifier": "Identifier:placer",
    "Identifier-FillerAssignedIdentifier": "Identifier:filler",
    "Timing-DurationUnit": "code",
    "Quantity-LengthOfStay": "Duration",
    "String": "string",
    "MessageHeader.destination-endpoint": "url",
    "MessageHeader.destination-name": "string",
    "MessageHeader.source-endpoint": "url",
    "MessageHeader.source-name": "string",
    "MessageHeader": "Coding",
    "Meta": "Coding",
    "RelatedPerson-Mother": "Identifier",
    "DocumentReference": "Attachment",
    "Annotation-Comment": "Annotation",
    "Task-Priority": "code",
    "Task-ExecutionPeriod": "Period",
    "ServiceRequest": "Timing",
    "MedicationRequest": "Timing",
    "Appointment": "instant",
}


def messages() -> tuple[tuple[str, int, int], ...]:
    """Per message map of the guide: rows that name a segment map, and those that rules follow."""
    tables, unused = default_tables(), data("complements")["unused"]
    used = {
        rule.map.name for rules in tables.rules.values() for rule in rules if rule.map is not None
    }
    made = []
    for name, rows in data("catalogue")["messages"].items():
        followed = sum(1 for row in rows if row["map"] in used or unused.get(row["map"], [""])[0])
        made.append((name, len(rows), followed))
    return tuple(made)


def page() -> str:
    """The page in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    held = counts()
    yield _HEAD
    yield "## Segments of the guide"
    yield ""
    yield "| map | rows | as told | own row | elsewhere | not followed |"
    yield "|---|---|---|---|---|---|"
    for one in held:
        yield (
            f"| {one.name} | {one.rows} | {one.as_told or ''} | {one.own or ''} "
            f"| {one.elsewhere or ''} | {one.left or ''} |"
        )
    yield (
        f"| **all** | {sum(c.rows for c in held)} | {sum(c.as_told for c in held)} "
        f"| {sum(c.own for c in held)} | {sum(c.elsewhere for c in held)} "
        f"| {sum(c.left for c in held)} |"
    )
    yield from _reasons(held)
    yield from _pairs("Messages of the guide", "message", "rows", "followed", messages())
    yield from _pairs("Data types of the guide", "map", "rows", "read", data_types())
    yield from _own()


def _reasons(held: tuple[Count, ...]) -> Iterator[str]:
    yield ""
    yield "## Why rows are not followed"
    yield ""
    for one in held:
        for place, reason in one.reasons:
            where = place if place.startswith(one.name) else f"{one.name} {place}"
            yield f"- {where}: {reason}"


def _pairs(
    title: str, first: str, second: str, third: str, rows: tuple[tuple[str, int, int], ...]
) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield f"| {first} | {second} | {third} |"
    yield "|---|---|---|"
    for name, all_rows, done in rows:
        yield f"| {name} | {all_rows} | {done} |"
    yield f"| **all** | {sum(r[1] for r in rows)} | {sum(r[2] for r in rows)} |"


def _own() -> Iterator[str]:
    guide = data("segments")
    yield ""
    yield "## Segments mapped beyond the guide"
    yield ""
    yield "| map | fields |"
    yield "|---|---|"
    for name, map in sorted(default_tables().maps.items()):
        if name not in guide and map.fields:
            yield f"| {name} | {', '.join(str(number) for number in sorted(map.fields))} |"


if __name__ == "__main__":
    sys.stdout.write(page())
