"""Makes `data/segments.json`, `codes.json` and `catalogue.json` from the HL7 v2-to-FHIR tables.

    python -m integrations.hl7v2.mapping.build_tables v2-to-fhir/mappings

`v2-to-fhir` is a checkout of github.com/HL7/v2-to-fhir (CC0-1.0) at the commit that
`data/README.md` names. Nothing but this program reads the CSV files: the server works by what it
makes. The same input gives the same bytes.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_MAP_NAME = re.compile(r"(?:FHIR_R4|Concept_Map)__(.*)_-_[^_]*\.csv$")
_TABLE = re.compile(r"HL7(\d{4})")
_ASSIGNED = re.compile(r'^(?P<path>[^="]+)="(?P<value>[^"]*)"$')


def main(mappings: Path, data: Path) -> None:
    """Reads the tables in `mappings`, writes the three files into `data`."""
    segments = {name: [_row(r) for r in rows] for name, rows in _maps(mappings / "segments")}
    kept = {name: [r for r in rows if "to" in r] for name, rows in segments.items()}
    _write(data / "segments.json", kept)
    _write(data / "codes.json", dict(_code_maps(mappings / "codesystems")))
    _write(
        data / "catalogue.json",
        {
            "segments": {name: _sizes(rows) for name, rows in segments.items()},
            "datatypes": {name: _components(rows) for name, rows in _maps(mappings / "datatypes")},
            "messages": {
                name: list(_message_rows(rows)) for name, rows in _maps(mappings / "messages")
            },
        },
    )


def _maps(folder: Path) -> Iterator[tuple[str, list[list[str]]]]:
    for path in sorted(folder.glob("*.csv")):
        found = _MAP_NAME.search(path.name)
        if found:
            yield found[1].strip(), _lines(path)


def _lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))[2:]
    padded = ([cell.strip() for cell in line] + [""] * 20 for line in lines)
    return [line for line in padded if any(line)]


def _row(line: list[str]) -> Json:
    """One row of a segment map: which field, under which condition, goes where."""
    row: Json = {"field": line[1], "v2": line[3]}
    target, value = line[9].strip(), line[16]
    assigned = _ASSIGNED.match(target)
    if assigned:
        target, value = assigned["path"].strip(), value or assigned["value"]
    if target and target != "local implementation":
        row["to"] = target
    if line[6]:
        row["when"] = _one_line(line[6])
    elif line[8]:
        row["narrative"] = _one_line(line[8])
    if line[14]:
        row["type"] = line[14]
    if line[15]:
        row["codes"] = line[15]
    literal = re.fullmatch(r'"([^"]*)"?|#([^#]*)#', value)
    if literal:
        row["value"] = (literal[1] if literal[1] is not None else literal[2]).strip()
    elif value:
        row["formula"] = _one_line(value)
    return {name: held for name, held in row.items() if held}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sizes(rows: list[Json]) -> Json:
    """How many rows have a target and how many say that the field has none."""
    return {
        "rows": sum("to" in r for r in rows),
        "without_target": sum("to" not in r for r in rows),
    }


def _components(lines: list[list[str]]) -> list[str]:
    """The components of a data type that the table gives a target, such as `XPN.1`."""
    return [line[1] for line in lines if line[9] and line[1]]


def _message_rows(lines: list[list[str]]) -> Iterator[Json]:
    """The rows of a message map that name a segment map."""
    for line in lines:
        if line[10]:
            row = {"place": line[1], "target": _one_line(line[9]), "map": _one_line(line[10])}
            condition = line[6] or line[8]
            yield row | ({"when": _one_line(condition)} if condition else {})


def _code_maps(folder: Path) -> Iterator[tuple[str, Json]]:
    for path in sorted(folder.glob("*.csv")):
        found = _MAP_NAME.search(path.name)
        if not found:
            continue
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        heads = [cell.strip() for cell in lines[1]]
        yield found[1].strip(), _code_map(heads, lines[2:])


def _code_map(heads: list[str], lines: Iterable[list[str]]) -> Json:
    """`{"table": "0001", "codes": {"F": ["female", system, "Female"]}, "texts": {"F": ...}}`."""
    target = [i for i, head in enumerate(heads) if head == "Code"][1]
    display = heads.index("Display")
    system = [i for i, head in enumerate(heads) if head == "Code System"][1]
    tables: dict[str, None] = {}
    codes: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for raw in lines:
        line = [cell.strip() for cell in raw] + [""] * 12
        table = _TABLE.search(line[2])
        if table:
            tables[table[1]] = None
        if line[0] and line[1]:
            texts.setdefault(line[0], line[1])
        if line[0] and line[target] and line[0] not in codes:
            codes[line[0]] = [line[target], line[system], line[display]]
    return {"table": next(iter(tables), ""), "codes": codes, "texts": texts}


def _write(path: Path, content: Json) -> None:
    """One entry a line, so that a change of the source shows as a change of lines."""
    entries = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(held, ensure_ascii=False)}"
        if not isinstance(held, list) or not held
        else f"{json.dumps(name)}: [\n "
        + ",\n ".join(json.dumps(one, ensure_ascii=False) for one in held)
        + "\n]"
        for name, held in sorted(content.items())
    )
    path.write_text("{\n" + entries + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "data")
