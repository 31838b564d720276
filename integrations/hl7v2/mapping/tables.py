"""The mapping, read and compiled once: maps, rules, structures, code maps, the site's changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from integrations.hl7v2.mapping.codes import CodeTables, code_tables
from integrations.hl7v2.mapping.conditions import ConditionError
from integrations.hl7v2.mapping.finish import Defaults, compiled_defaults
from integrations.hl7v2.mapping.paths import PathError
from integrations.hl7v2.mapping.rows import Row, RowError, SegmentMap, compile_map
from integrations.hl7v2.mapping.rules import Rule, compile_rule
from integrations.hl7v2.mapping.site import SegmentOverride, SiteMapping, SiteMappingError
from integrations.hl7v2.mapping.structures import Structures, read_structures

Json = dict[str, Any]
Rules = tuple[Rule, ...]
_EMPTY = SiteMapping()
_REMEMBERED = 20_000  # combinations of type, groups and segment: odd input must not fill memory


@dataclass(frozen=True)
class Tables:
    """Everything that `convert` works by.

    `rules` go by `FAMILY/GROUP.SEGMENT`, `FAMILY/SEGMENT`, `GROUP.SEGMENT` and `SEGMENT`, inner
    groups first; `found` remembers which were chosen. `faults` are the rows of the guide that
    cannot be followed, with the reason.
    """

    maps: Mapping[str, SegmentMap]
    rules: Mapping[str, tuple[Rule, ...]]
    ignored: Mapping[str, str]
    triggers: Mapping[str, Json]
    defaults: Defaults
    codes: CodeTables
    structures: Structures
    faults: tuple[tuple[str, Row, str], ...]
    found: dict[tuple[str, tuple[str, ...], str], Rules | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    def rules_for(self, family: str, groups: tuple[str, ...], segment: str) -> Rules | None:
        """The rules of a segment: the most special that there are; None when there are none."""
        key = (family, groups, segment)
        if key not in self.found:
            if len(self.found) >= _REMEMBERED:
                return self._find(family, groups, segment)
            self.found[key] = self._find(family, groups, segment)
        return self.found[key]

    def _find(self, family: str, groups: Sequence[str], segment: str) -> Rules | None:
        families = [family, *self.structures.rules_of.get(family, ())]
        keys = [f"{one}/{group}.{segment}" for group in groups if group for one in families]
        keys += [f"{one}/{segment}" for one in families]
        keys += [f"{group}.{segment}" for group in groups if group]
        return next((self.rules[key] for key in [*keys, segment] if key in self.rules), None)


def data(name: str) -> Any:
    """The content of `data/NAME.json`."""
    text = files("integrations.hl7v2.mapping").joinpath(f"data/{name}.json").read_text("utf-8")
    return json.loads(text)


@cache
def default_tables() -> Tables:
    """The tables without any site's changes."""
    return compiled(_EMPTY)


def compiled(site: SiteMapping) -> Tables:
    """The tables with the changes of `site`. Raises `SiteMappingError` naming all its faults."""
    complements = data("complements")
    faults: list[tuple[str, Row, str]] = []
    maps = _maps(complements, site, faults)
    rules, wrong = _rules(site, maps)
    _refuse(site, maps, faults, wrong)
    content = data("rules")
    return Tables(
        maps, rules, content["ignored"], content["triggers"], compiled_defaults(data("defaults")),
        code_tables(data("codes") | complements["codes"], data("systems"), site),
        read_structures(data("structures")), tuple(faults),
    )  # fmt: skip


def merged_rows(
    complements: Json, site: SiteMapping
) -> dict[str, tuple[list[Row], dict[str, str]]]:
    """The rows of every map with what is dropped and why, the site's changes last."""
    made: dict[str, tuple[list[Row], dict[str, str]]] = {}
    base = data("segments")
    for name in [*base, *complements["segments"]]:
        made.setdefault(name, (list(base.get(name, ())), {}))
    changes = [
        (name, SegmentOverride.model_validate(held))
        for name, held in complements["segments"].items()
    ]
    for name, change in [*changes, *site.segments.items()]:
        made.setdefault(name, ([], {}))
        if change.like:
            rows, dropped = made[change.like]
            made[name] = (_renamed(rows, change.like, name) + made[name][0], dict(dropped))
        made[name] = _changed(*made[name], change)
    for rows, _ in made.values():
        rows[:] = [_mended(row, complements["conditions"]) for row in rows]
    return made


def _renamed(rows: Iterable[Row], old: str, new: str) -> list[Row]:
    """Rows of one segment for another that has the same fields, as IAM has those of AL1."""
    was, now = old.partition("[")[0], new.partition("[")[0]
    if was == now:
        return list(rows)
    return [json.loads(json.dumps(row).replace(f'"{was}-', f'"{now}-')) for row in rows]


def _changed(
    rows: list[Row], dropped: dict[str, str], change: SegmentOverride
) -> tuple[list[Row], dict[str, str]]:
    gone = {**change.replace, **change.drop}
    kept = [row for row in rows if row.get("field") not in gone]
    for held in change.replace.values():
        kept += held
    for replaced in change.replace:
        dropped.pop(replaced, None)
    return kept + list(change.add), {**dropped, **change.drop}


def _mended(row: Row, conditions: Mapping[str, str]) -> Row:
    when = row.get("when", "")
    return {**row, "when": conditions[when]} if when in conditions else row


def _maps(
    complements: Json, site: SiteMapping, faults: list[tuple[str, Row, str]]
) -> dict[str, SegmentMap]:
    narratives = complements["narratives"]
    return {
        name: compile_map(name, rows, dropped, narratives, faults)
        for name, (rows, dropped) in merged_rows(complements, site).items()
    }


def _rules(
    site: SiteMapping, maps: Mapping[str, SegmentMap]
) -> tuple[dict[str, tuple[Rule, ...]], list[str]]:
    made: dict[str, tuple[Rule, ...]] = {}
    wrong: list[str] = []
    for key, rows in [*data("rules")["rules"].items(), *site.rules.items()]:
        try:
            made[key] = tuple(compile_rule(row, maps) for row in rows)
        except (RowError, PathError, ConditionError) as error:
            wrong.append(f"rules.{key}: {error}")
    return made, wrong


def _refuse(
    site: SiteMapping,
    maps: Mapping[str, SegmentMap],
    faults: Iterable[tuple[str, Row, str]],
    wrong: list[str],
) -> None:
    """A site's rows must all work; those of the guide that do not are counted in the reference."""
    for name, row, reason in faults:
        change = site.segments.get(name)
        if change and row in [*change.add, *(r for rows in change.replace.values() for r in rows)]:
            wrong.append(f"segments.{name}, {row.get('field', 'a row')}: {reason}")
    if wrong:
        raise SiteMappingError("; ".join(wrong))
