"""A text that a sender breaks into several OBX is one result.

Laboratories and radiology send a line of a report in each OBX. Lines of one text are those in a
row, of type TX or FT, that differ in nothing but their number and the line.
"""

from __future__ import annotations

from integrations.hl7v2.mapping.drafts import Building
from integrations.hl7v2.mapping.reading import Reading
from integrations.hl7v2.mapping.report import Outcome
from integrations.hl7v2.mapping.structures import Group

_TEXTS = (b"TX", b"FT")
_NUMBER, _KIND, _VALUE = 1, 2, 5


class Lines:
    """Remembers the text that the last OBX of a message began."""

    def __init__(self) -> None:
        self._alike: list[bytes] = []
        self._within: Group | None = None
        self._building: Building | None = None

    def continued(self, reading: Reading) -> Building | None:
        """The Observation whose text goes on with this segment, with its line added."""
        found = self._building
        alike = _all_but_the_line(reading) if reading.id == "OBX" else []
        if found is None or not alike or alike != self._alike:
            return None
        if reading.group.parent is not self._within or "valueString" not in found.resource:
            return None
        found.resource["valueString"] += "\n" + _line(reading)
        for number in reading.numbers():
            reading.became(number, Outcome.MAPPED, found.key, [])
        found.origin[reading.place] = None
        return found

    def began(self, reading: Reading, building: Building) -> None:
        """An Observation of its own; its text may go on."""
        self._alike = _all_but_the_line(reading)
        self._within, self._building = reading.group.parent, building


def _all_but_the_line(reading: Reading) -> list[bytes]:
    """The fields that lines of one text have in common; none for what is no text."""
    if reading.raw(_KIND).upper() not in _TEXTS:
        return []
    segment = reading.segment
    fields = segment.raw.split(segment.reading.delimiters.field)
    if len(fields) <= _VALUE:
        return []
    fields[_NUMBER] = fields[_VALUE] = b""
    while fields and not fields[-1]:
        fields.pop()
    return fields


def _line(reading: Reading) -> str:
    repetitions = reading.values(_VALUE)
    return "\n".join("^".join("&".join(held) for held in parts) for parts in repetitions)
