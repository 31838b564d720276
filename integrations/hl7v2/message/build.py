"""Writes messages.

A field is a text, a `Raw` or a list of repetitions; a repetition is a text or a tuple of
components; a component is a text or a tuple of subcomponents. Texts are escaped, `NULL` is `""`.

    writer = Writer(charset="utf_8")
    writer.header({3: "AIMED", 9: ("ADT", "A08", "ADT_A01"), 10: "1", 11: "P", 12: "2.5.1"})
    writer.segment("PID", {3: [("4711", "", "", ("HOSP", "1.2.3", "ISO"), "MR")]})
    raw = writer.to_bytes()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from integrations.hl7v2.message.charsets import declared_name
from integrations.hl7v2.message.delimiters import Delimiters
from integrations.hl7v2.message.escapes import encode


class Raw(str):
    """A text that is written as it is, separators and escapes included."""

    __slots__ = ()


NULL = Raw('""')
"""Asks the receiver to delete the value."""

Component = str | tuple[str, ...]
Repetition = str | tuple[Component, ...]
FieldValue = str | tuple[Component, ...] | Sequence[Repetition]
"""A list is a field with repetitions, a tuple one repetition of several components."""

STANDARD = Delimiters()


class Unencodable(ValueError):
    """A text has a character that the character set of the message cannot write."""


class Writer:
    """Collects segments. `charset` is a Python codec that table 0211 has a name for.

    Delimiters without an escape character are refused: text could not be written safely.
    """

    def __init__(self, *, delimiters: Delimiters = STANDARD, charset: str = "utf_8") -> None:
        if len(delimiters.escape) != 1:
            raise ValueError("a message is written with an escape character")
        self.delimiters = delimiters
        self.charset = charset
        self._segments: list[str] = []

    def header(self, fields: Mapping[int, FieldValue]) -> None:
        """Add MSH, FHS or BHS; MSH-1, MSH-2 and (unless given) MSH-18 are filled in."""
        self.header_segment("MSH", {18: declared_name(self.charset), **fields})

    def header_segment(self, segment_id: str, fields: Mapping[int, FieldValue]) -> None:
        """Add a segment whose first two fields are the separators: MSH, FHS, BHS."""
        mark = self.delimiters.field.decode("latin-1")
        encoding = self.delimiters.encoding.decode("latin-1")
        rest = self._joined({n - 2: value for n, value in fields.items() if n > 2})
        self._segments.append(f"{segment_id}{mark}{encoding}{rest}")

    def segment(self, segment_id: str, fields: Mapping[int, FieldValue]) -> None:
        """Add a segment; fields count from 1."""
        self._segments.append(segment_id + self._joined(fields))

    def raw_segment(self, text: str) -> None:
        """Add a segment that is written already."""
        self._segments.append(text)

    def to_bytes(self) -> bytes:
        """All segments, each ended by CR. Raises `Unencodable`."""
        text = "".join(f"{one}\r" for one in self._segments)
        try:
            return text.encode(self.charset)
        except UnicodeEncodeError:
            # The error of Python would quote the text.
            raise Unencodable(f"A character cannot be written in {self.charset}.") from None

    def _joined(self, fields: Mapping[int, FieldValue]) -> str:
        mark = self.delimiters.field.decode("latin-1")
        last = max(fields, default=0)
        return "".join(mark + self._field(fields.get(n, "")) for n in range(1, last + 1))

    def _field(self, value: FieldValue) -> str:
        if isinstance(value, str | tuple):
            return self._repetition(value)
        mark = self.delimiters.repetition.decode("latin-1")
        return mark.join(self._repetition(one) for one in value)

    def _repetition(self, value: Repetition) -> str:
        if isinstance(value, str):
            return self._text(value)
        mark = self.delimiters.component.decode("latin-1")
        return mark.join(self._component(one) for one in value)

    def _component(self, value: Component) -> str:
        if isinstance(value, str):
            return self._text(value)
        mark = self.delimiters.subcomponent.decode("latin-1")
        return mark.join(self._text(one) for one in value)

    def _text(self, value: str) -> str:
        return value if isinstance(value, Raw) else encode(value, self.delimiters)


def to_bytes(
    segments: Sequence[tuple[str, Mapping[int, FieldValue]]],
    *,
    delimiters: Delimiters = STANDARD,
    charset: str = "utf_8",
) -> bytes:
    """A message of these segments, the first of which is MSH."""
    writer = Writer(delimiters=delimiters, charset=charset)
    for segment_id, fields in segments:
        if segment_id == "MSH":
            writer.header(fields)
        elif segment_id in ("FHS", "BHS"):
            writer.header_segment(segment_id, fields)
        else:
            writer.segment(segment_id, fields)
    return writer.to_bytes()
