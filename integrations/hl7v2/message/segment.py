"""One segment of a message."""

from __future__ import annotations

from functools import lru_cache

from integrations.hl7v2.message.elements import NULL, Field, Reading, SeparatorField, nth

_HEADERS = frozenset((b"MSH", b"FHS", b"BHS"))


class Segment:
    """`segment[5]` is its fifth field. `index` is its position in the message, from 0."""

    __slots__ = ("_fields", "index", "raw", "reading")

    def __init__(self, raw: bytes, index: int, reading: Reading) -> None:
        self.raw = raw
        self.index = index
        self.reading = reading
        self._fields: list[bytes] | None = None

    @property
    def id(self) -> str:
        """The three letters."""
        return self.raw[:3].decode("latin-1")

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields that were sent, the first at 0."""
        return tuple(self[number] for number in range(1, len(self._split())))

    def __getitem__(self, number: int) -> Field:
        raw = self.raw_field(number)
        if number <= 2 and self.raw[:3] in _HEADERS:
            return SeparatorField(raw, self.reading)
        return Field(raw, self.reading)

    def __len__(self) -> int:
        return len(self._split()) - 1

    def raw_field(self, number: int) -> bytes:
        """The bytes of a field, empty when it was not sent."""
        if number < 1:
            raise ValueError("HL7 v2 counts from 1")
        fields = self._split()
        return fields[number] if number < len(fields) else b""

    def text(self, path: str, repetition: int = 1) -> str:
        """The text at `field[.component[.subcomponent]]`, empty when absent or null."""
        field, component, subcomponent = _parsed(path)
        raw = self.raw_field(field)
        if not raw:
            return ""
        if field <= 2 and self.raw[:3] in _HEADERS:
            return raw.decode("latin-1")
        marks = self.reading.delimiters
        raw = nth(raw, marks.repetition, repetition)
        if component:
            raw = nth(raw, marks.component, component)
        if subcomponent:
            raw = nth(raw, marks.subcomponent, subcomponent)
        return "" if not raw or raw == NULL else self.reading.decode(raw)

    def _split(self) -> list[bytes]:
        if self._fields is None:
            mark = self.reading.delimiters.field
            fields = self.raw.split(mark)
            if fields[0] in _HEADERS:
                # MSH-1 is the separator itself.
                fields.insert(1, mark)
            self._fields = fields
        return self._fields

    def __repr__(self) -> str:
        return f"<Segment {self.index} of {len(self.raw)} bytes>"


@lru_cache(maxsize=4096)
def _parsed(path: str) -> tuple[int, int, int]:
    field, _, rest = path.partition(".")
    component, _, subcomponent = rest.partition(".")
    return int(field), int(component or 0), int(subcomponent or 0)
