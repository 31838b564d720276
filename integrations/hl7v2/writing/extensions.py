"""Joining extensions: one that stands once belongs, as a single value does, to who has the say.

The rest are a list like any other. Two senders that write a race differently make one race.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from integrations.hl7v2.writing.ledger import SINGLE, Ledger, digest
from integrations.hl7v2.writing.tags import FILL, Tag

Extension = dict[str, Any]


def split(values: list[Extension]) -> tuple[list[Extension], list[Extension]]:
    """Those that stand once, and the others."""
    once = [one for one in values if one["url"] in _once()]
    return once, [one for one in values if one["url"] not in _once()]


def join_single(joined: dict[str, Any], values: list[Extension], ledger: Ledger, tag: Tag) -> None:
    """Put those that stand once in place, after the others and in the order of their addresses."""
    singles, others = split(joined.get("extension", []))
    there = {one["url"]: one for one in singles}
    for value in values:
        name = f"extension {digest([value['url']])}"
        entry = ledger.elements.get(name, {}).get(SINGLE)
        if not tag.beats(Tag.of(entry["t"]) if entry else None):
            continue
        if entry is None and tag.rank <= FILL and value["url"] in there:
            continue
        hashes = [digest(value)]
        repeated = entry is not None and entry["h"] == hashes
        ledger.enter(name, SINGLE, tag.stored(), hashes)
        if not repeated:
            there[value["url"]] = value
    joined["extension"] = [*others, *(there[url] for url in sorted(there))]


@cache
def _once() -> frozenset[str]:
    text = (
        files("integrations.hl7v2.writing")
        .joinpath("data/single_extensions.json")
        .read_text("utf-8")
    )
    table: dict[str, Any] = json.loads(text)
    return frozenset(table["urls"])
