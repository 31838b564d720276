"""Our conversion of the samples beside another converter's, by message type: resources and fields.

    python -m tests.integrations.hl7v2.compare EXPECTED_COUNTS.json [EXPECTED_BUNDLES]

`EXPECTED_COUNTS.json` holds the other converter's resources a message by type; the folder, when
given, its Bundles, of which every value at a leaf counts as a field. The other is a reference, not
the truth: it makes a Location of every component of PL and no Patient of A40.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from integrations.hl7v2.mapping.report import Outcome
from tests.integrations.hl7v2.conversions import DATA, NAMES, sample


def main(counts: Path, bundles: Path | None) -> None:
    """Prints the table."""
    expected = json.loads(counts.read_text())
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    types: dict[str, Counter[str]] = defaultdict(Counter)
    for name in NAMES:
        conversion = sample(name)
        kind = f"{conversion.family}^{conversion.trigger}"
        row = rows[kind]
        row["messages"] += 1
        row["resources"] += len(conversion.drafts)
        row["fields"] += sum(_leaves(d.resource) for d in conversion.drafts)
        for segment in conversion.report.segments:
            row["segments"] += 1
            row["unmapped"] += segment.outcome is Outcome.UNMAPPED
        types["ours"].update(d.type for d in conversion.drafts)
        other = expected.get(f"SampleData/{Path(name).name}")
        if other:
            row["compared"] += 1
            row["their resources"] += sum(other.values())
            types["theirs"].update(other)
        found = sorted(bundles.rglob(f"{Path(name).stem}-expected.json")) if bundles else []
        if found:
            entries = json.loads(found[0].read_text()).get("entry", [])
            row["their fields"] += sum(_leaves(one["resource"]) for one in entries)
    _print(rows, types)


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_leaves(held) for name, held in value.items() if name not in ("id", "meta"))
    if isinstance(value, list):
        return sum(_leaves(held) for held in value)
    return 1


_COLUMNS = (
    "messages", "segments", "unmapped", "resources", "their resources", "fields", "their fields",
)  # fmt: skip


def _print(rows: dict[str, Counter[str]], types: dict[str, Counter[str]]) -> None:
    out = ["| type | " + " | ".join(_COLUMNS) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    total: Counter[str] = Counter()
    for kind, row in sorted(rows.items()):
        total.update(row)
        out.append(f"| {kind} | " + " | ".join(str(row[c]) for c in _COLUMNS) + " |")
    out.append("| **all** | " + " | ".join(str(total[c]) for c in _COLUMNS) + " |")
    out += ["", "| resource | ours | theirs |", "|---|---|---|"]
    for type in sorted(types["ours"] | types["theirs"]):
        out.append(f"| {type} | {types['ours'][type]} | {types['theirs'][type]} |")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    assert DATA.exists()
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
