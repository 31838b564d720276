"""What is wrong with the fields of one segment: missing, too many, too long, of another form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from integrations.hl7v2.acknowledgement import Location, Problem
from integrations.hl7v2.message import Message, Segment
from integrations.hl7v2.message.elements import NULL
from integrations.hl7v2.structure.definitions import Definitions, Part, Parts
from integrations.hl7v2.structure.values import well_formed

REQUIRED, FORM, TABLE, LONG = "101", "102", "103", "104"
_VARIES = "varies"
_CODED = "ID"
"""Of this type values are from tables of HL7; those of IS and CWE are the site's."""


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """Checks segments of one message. With `open_ended` what follows the last field is let pass."""

    message: Message
    version: Definitions
    open_ended: bool = False

    def findings(self, segment: Segment, sequence: int) -> Iterator[Problem]:
        """Of a segment, the `sequence`-th of its id, in the order of its fields."""
        parts = self.version.segment(segment.id)
        if not parts:
            return
        # MSH-1 and MSH-2 are the separators.
        first = 3 if segment.id == "MSH" else 1
        for number in range(first, max(len(segment), *parts.required, 0) + 1):
            place = Location(segment.id, sequence, number)
            raw = segment.raw_field(number)
            if not raw or raw.isspace():
                if number in parts.required and not self.version.known.may_lack(_name(place)):
                    yield _problem(REQUIRED, place, "is required")
            elif number > parts.last:
                if not (self.open_ended or self.version.known.may_exceed(place)):
                    yield _problem(FORM, place, f"is not in version {self.version.version}")
                    return
            elif (part := parts.rows.get(number)) and not part.withdrawn:
                yield from self._field(segment, raw, part, place)

    def _field(
        self, segment: Segment, raw: bytes, part: Part, place: Location
    ) -> Iterator[Problem]:
        if part.datatype == _VARIES:
            named = self._named(segment, place.sequence)
            if isinstance(named, Problem):
                yield named
                return
            part = Part(named, False, part.most, "")
        values = raw.split(self.message.delimiters.repetition)
        if part.most is not None and len(values) > part.most:
            times = "not repeat" if part.most == 1 else f"occur {part.most} times at most"
            yield _problem(FORM, place, f"may {times}")
        for repetition, value in enumerate(values, 1):
            if value and value != NULL:
                at = Location(place.segment, place.sequence, place.field, repetition)
                yield from self._value(value, part, at, 0)

    def _named(self, segment: Segment, sequence: int) -> str | Problem:
        """The type that OBX-2 names for OBX-5; "" when it is not to be checked."""
        if segment.id != "OBX":
            return ""
        named, place = segment.text("2"), Location("OBX", sequence, 2)
        if not named:
            return _problem(REQUIRED, place, "is required where OBX-5 is valued")
        if self.version.knows(named):
            return named
        instead = self.version.known.value_type(named)
        if instead or self.open_ended:
            return instead if self.version.knows(instead) else ""
        return _problem(TABLE, place, "names no data type of the version")

    def _value(self, raw: bytes, part: Part, place: Location, depth: int) -> Iterator[Problem]:
        """`depth` is 0 for a field, 1 for a component, 2 for a subcomponent."""
        parts = self.version.components(part.datatype)
        if parts and depth < 2:
            yield from self._components(raw, parts, part.datatype, place, depth)
        elif part.datatype:
            yield from self._primitive(raw, part, place, depth)

    def _components(
        self, raw: bytes, parts: Parts, datatype: str, place: Location, depth: int
    ) -> Iterator[Problem]:
        marks = self.message.delimiters
        values = raw.split(marks.subcomponent if depth else marks.component)
        for number in parts.required:
            lacking = number > len(values) or not values[number - 1]
            if lacking and not self.version.known.may_lack(f"{datatype}.{number}"):
                yield _problem(REQUIRED, _inside(place, number), f"is required in {datatype}")
        for number, value in enumerate(values, 1):
            if not value or value == NULL:
                continue
            if number > parts.last:
                if not (self.open_ended or self.version.known.may_exceed(place)):
                    yield _problem(FORM, place, f"has more components than {datatype}")
                return
            part = parts.rows.get(number)
            if part is not None and not part.withdrawn:
                # The time of TS is ST by name before 2.5, and has the form of DTM.
                part = _TIME if datatype == "TS" and number == 1 else part
                yield from self._value(value, part, _inside(place, number), depth + 1)

    def _primitive(self, raw: bytes, part: Part, place: Location, depth: int) -> Iterator[Problem]:
        datatype, marks = part.datatype, self.message.delimiters
        if marks.subcomponent in raw or (depth == 0 and marks.component in raw):
            if not self.open_ended:
                yield _problem(FORM, place, f"is {datatype}, which has no components")
            return
        # Trailing blanks are optional in every text.
        text = self.message.decode(raw).rstrip(" ")
        if not well_formed(text, datatype):
            yield _problem(FORM, place, f"is not of the form of {datatype}")
            return
        longest = self.version.known.longest(place, datatype)
        if longest is not None and len(text) > longest:
            yield _problem(LONG, place, f"is longer than {datatype} may be, {longest} characters")
        table = self.version.known.table(place, part.table) if datatype == _CODED else ""
        values = self.version.table(table)
        if values and text not in values:
            yield _problem(TABLE, place, f"is not in table {table.removeprefix('HL7')}")


_TIME = Part("DTM", False, 1, "")


def _inside(place: Location, number: int) -> Location:
    """A component of a field, a subcomponent of a component."""
    if place.component:
        return replace(place, subcomponent=number)
    return Location(place.segment, place.sequence, place.field, place.repetition, number)


def _name(place: Location) -> str:
    name = f"{place.segment}-{place.field}"
    if place.component:
        name += f".{place.component}"
    return f"{name}.{place.subcomponent}" if place.subcomponent else name


def _problem(code: str, place: Location, words: str) -> Problem:
    return Problem(code, f"{_name(place)} {words}.", place)
