"""One segment while it is read: its fields as parts, conditions about them, what became of each."""

from __future__ import annotations

from functools import lru_cache

from integrations.hl7v2.mapping.conditions import FieldPath
from integrations.hl7v2.mapping.drafts import Building
from integrations.hl7v2.mapping.report import FieldOutcome, Outcome, SegmentOutcome
from integrations.hl7v2.mapping.structures import Group, Placed
from integrations.hl7v2.mapping.values import (
    Parts,
    component,
    filled,
    parts_of,
    parts_of_text,
    plain_text,
    subcomponent,
)
from integrations.hl7v2.message.delimiters import Delimiters
from integrations.hl7v2.message.header import Header
from integrations.hl7v2.message.segment import Segment

_RANK = {Outcome.MAPPED: 3, Outcome.ERROR: 2, Outcome.IGNORED: 1, Outcome.UNMAPPED: 0}
_NULL = b'""'
_NOTHING: tuple[Outcome, dict[str, None]] = (Outcome.UNMAPPED, {})


class Reading:
    """A placed segment. Its fields are split once, whatever number of maps reads them.

    `place` is such as `OBX[7]`.
    `texts` remembers what conditions asked of other segments of the message.
    """

    __slots__ = (
        "_marks",
        "_notes",
        "_numbers",
        "_others",
        "_outcomes",
        "_parts",
        "_raw",
        "_texts",
        "group",
        "header",
        "here",
        "id",
        "place",
        "placed",
        "segment",
    )

    def __init__(self, placed: Placed, header: Header, texts: dict[tuple[int, str], str]) -> None:
        self._others = texts
        self.placed = placed
        self.segment = placed.segment
        self.id = placed.segment.id
        self.place = f"{self.id}[{placed.segment.index}]"
        self._raw, self._texts = _fields(placed.segment)
        self._marks = _marks(placed.segment.reading.delimiters)
        self._numbers: list[int] | None = None
        self.group = placed.group
        self.header = header
        self.here: Parts = []
        self._parts: dict[int, list[Parts]] = {}
        self._outcomes: dict[int, tuple[Outcome, dict[str, None]]] = {}
        self._notes: dict[int, dict[str, None]] = {}

    def numbers(self) -> list[int]:
        """The fields that hold something."""
        if self._numbers is None:
            first = 3 if self.id == "MSH" else 1
            self._numbers = [n for n, raw in enumerate(self._raw) if raw and n >= first]
        return self._numbers

    def raw(self, number: int) -> bytes:
        """The field as it was sent; empty where there is none."""
        return self._raw[number] if number < len(self._raw) else b""

    def null(self, number: int) -> bool:
        """Whether the field is `""`."""
        return self._raw[number] == _NULL

    def values(self, number: int) -> list[Parts]:
        """The repetitions of a field; empty ones keep their place as empty parts."""
        found = self._parts.get(number)
        if found is None:
            found = self._parts[number] = self._split(number)
        return found

    def _split(self, number: int) -> list[Parts]:
        if number >= len(self._raw):
            return []
        marks = self._marks
        if self._texts is not None:
            text = self._texts[number]
            if not text:
                return []
            if marks[0] not in text:
                return [parts_of_text(text, marks[1], marks[2])]
            return [parts_of_text(one, marks[1], marks[2]) for one in text.split(marks[0])]
        raw, reading = self._raw[number], self.segment.reading
        if not raw:
            return []
        held = [parts_of(one, reading) for one in raw.split(reading.delimiters.repetition)]
        return [parts if filled(parts) else [] for parts in held]

    def find(self, name: str) -> Building | None:
        """The draft that goes by `name` in the segment's group or in one around it."""
        group: Group | None = self.group
        while group is not None:
            if name in group.made:
                found: Building = group.made[name]
                return found
            group = group.parent
        return None

    # What conditions ask.

    def text(self, path: FieldPath) -> str:
        """The first repetition's text at `path`, of this segment or the nearest of that name."""
        if not path.field:
            return _at(self.here, path.component, path.subcomponent)
        if path.segment == self.id:
            held = self.values(path.field)
            if not held or not held[0]:
                return ""
            parts = held[0]
            if not path.component:
                return parts[0][0] or next((text for inner in parts for text in inner if text), "")
            return _at(parts, path.component, path.subcomponent)
        segment = self.nearest(path.segment)
        if segment is None:
            return ""
        key = (segment.index, path.where)
        text = self._others.get(key)
        if text is None:
            text = segment.text(path.where)
            text = self._others[key] = text if path.component else text.strip("^&")
        return text

    def nearest(self, name: str) -> Segment | None:
        """The segment `name` of this group or of one around it."""
        group: Group | None = self.group
        while group is not None:
            if name in group.segments:
                return group.segments[name]
            group = group.parent
        return None

    def count(self, path: FieldPath) -> int:
        """How many repetitions the field has."""
        if path.segment == self.id:
            return sum(1 for parts in self.values(path.field) if parts)
        segment = self.nearest(path.segment)
        return len(segment[path.field].repetitions) if segment else 0

    def word(self, name: str) -> str:
        """`trigger`, `family` or `version`."""
        if name == "trigger":
            return self.header.trigger
        return self.header.type if name == "family" else self.header.version

    # What became of the fields.

    def taken(self, number: int) -> bool:
        """Whether a map before took all of the field."""
        told = self._outcomes.get(number)
        return told is not None and told[0] is Outcome.MAPPED and number not in self._notes

    def became(self, number: int, outcome: Outcome, key: str, reasons: list[str]) -> None:
        """Notes the outcome of one map; the best of all maps is the field's."""
        before = self._outcomes.get(number)
        if before is None:
            self._outcomes[number] = (outcome, {key: None} if key else {})
        elif _RANK[outcome] > _RANK[before[0]]:
            drafts = before[1] if before[0] is Outcome.MAPPED else {}
            self._outcomes[number] = (outcome, {**drafts, **({key: None} if key else {})})
        elif key and outcome is before[0]:
            before[1][key] = None
        if reasons:
            self._notes.setdefault(number, {}).update(dict.fromkeys(reasons))

    def outcome(self, ruled: bool, reason: str, ignored: dict[int, str]) -> SegmentOutcome:
        """The report of the segment."""
        why = "" if ruled else reason
        told, notes = self._outcomes, self._notes
        fields = tuple(
            [
                FieldOutcome(n, Outcome.MAPPED, tuple(told[n][1]))
                if n in told and n not in notes and told[n][0] is Outcome.MAPPED
                else self._field(n, ignored, why)
                for n in self.numbers()
            ]
        )
        if (ruled and not reason) or any(one.outcome is Outcome.MAPPED for one in fields):
            kind = Outcome.MAPPED
        elif reason and reason.startswith("ignored: "):
            kind, reason = Outcome.IGNORED, reason.removeprefix("ignored: ")
            fields = tuple(FieldOutcome(f.position, Outcome.IGNORED, (), reason) for f in fields)
        else:
            kind = Outcome.UNMAPPED
        return SegmentOutcome(self.id, self.segment.index, kind, fields, reason)

    def _field(self, number: int, ignored: dict[int, str], reason: str) -> FieldOutcome:
        outcome, drafts = self._outcomes.get(number, _NOTHING)
        notes = list(self._notes.get(number, ()))
        if outcome is Outcome.UNMAPPED and number in ignored:
            return FieldOutcome(number, Outcome.IGNORED, (), ignored[number])
        if outcome is Outcome.UNMAPPED and not notes:
            notes = [reason or "no row for this field"]
        keys = tuple(drafts) if outcome is Outcome.MAPPED else ()
        return FieldOutcome(number, outcome, keys, "; ".join(notes))


def _fields(segment: Segment) -> tuple[list[bytes], list[str] | None]:
    """The fields by their number, 0 being the segment's id; as text too where that is plain."""
    mark = segment.reading.delimiters.field
    fields = segment.raw.split(mark)
    text = plain_text(segment.raw, segment.reading)
    texts = text.split(mark.decode("latin-1")) if text is not None else None
    if fields[0] == b"MSH":
        fields.insert(1, mark)
        texts = None
    return fields, texts


@lru_cache(maxsize=64)
def _marks(delimiters: Delimiters) -> tuple[str, str, str]:
    """Repetition, component and subcomponent separator as text."""
    repetition, component, sub = (
        one.decode("latin-1")
        for one in (delimiters.repetition, delimiters.component, delimiters.subcomponent)
    )
    return repetition, component, sub


def _at(parts: Parts, number: int, sub: int) -> str:
    return subcomponent(parts, number, sub) if sub else component(parts, number or 1)
