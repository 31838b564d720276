"""The segments of a message in their order, by the tables of its family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_server.fhirpath import Node
from integrations.hl7v2.outbound.drafts import SegmentDraft
from integrations.hl7v2.outbound.fields import Place, field_values


class NotComposable(Exception):
    """A message cannot be made of what there is. The text names what is missing, no content."""


def segments(entries: Sequence[Mapping[str, Any]], place: Place) -> Iterator[SegmentDraft]:
    """What the entries of a message table give. Raises `NotComposable`."""
    for entry in entries:
        if not place.holds(entry.get("when")):
            continue
        found = place.select(entry["focus"]) if "focus" in entry else [place.focus]
        if not found:
            yield from _absent(entry, place)
        for number, node in enumerate(found if entry.get("repeat") else found[:1], 1):
            yield from _one(entry, _entered(entry, place, node, number))


def _absent(entry: Mapping[str, Any], place: Place) -> Iterator[SegmentDraft]:
    if "otherwise" in entry:
        yield segment(entry["otherwise"], place)
    elif entry.get("required"):
        raise NotComposable(f"nothing to make {entry['map']} of")


def _entered(entry: Mapping[str, Any], place: Place, node: Node, number: int) -> Place:
    names = {entry["as"]: [node]} if "as" in entry else {}
    if entry.get("sub"):
        names["sub"] = [Node("integer", number)]
    return place.at(node, **names)


def _one(entry: Mapping[str, Any], place: Place) -> Iterator[SegmentDraft]:
    if "group" in entry:
        yield from segments(entry["group"], place)
    else:
        yield segment(entry["map"], place)


def segment(name: str, place: Place) -> SegmentDraft:
    """One segment by its table."""
    table = place.tables.segments[name]
    filled = {
        int(number): field_values(spec, place) for number, spec in table["fields"].items() if spec
    }
    return SegmentDraft(
        table.get("segment", name), {number: values for number, values in filled.items() if values}
    )
