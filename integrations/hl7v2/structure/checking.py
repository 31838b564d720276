"""What is wrong with the structure of a message, by the version that its MSH-12 names.

Z-segments are let pass wherever they stand, and what is in them. A message that names a profile in
MSH-21 may hold segments, fields and components that the version does not know: profiles take them
from later versions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from integrations.hl7v2.acknowledgement import Location, Problem
from integrations.hl7v2.message import Message, NotHl7, Segment, parse
from integrations.hl7v2.message.header import derived_structure
from integrations.hl7v2.structure.checked import Checked
from integrations.hl7v2.structure.definitions import Definitions, definitions
from integrations.hl7v2.structure.fields import FieldCheck
from integrations.hl7v2.structure.known import held_to
from integrations.hl7v2.structure.order import SEQUENCE, Structure, sequence_findings

MOST = 100
"""So many findings are told of one message."""
_UNKNOWN_VERSION = "203"
_EVENTS = "HL70003"


def check(raw: bytes, fallback: str = "cp1252") -> Checked:
    """Findings in the order of the message, those about the order of segments first."""
    try:
        message = parse(raw, fallback=fallback)
    except NotHl7 as error:
        return Checked((Problem(SEQUENCE, str(error), Location("MSH")),))
    version = held_to(message.header.version)
    try:
        of_version = definitions(version)
    except Exception as error:
        if type(error).__name__ != "UnsupportedVersion":
            raise
        text = "MSH-12 names no version whose structure is known here."
        return Checked((Problem(_UNKNOWN_VERSION, text, Location("MSH", 1, 12)),))
    return _Check(message, of_version).result()


class _Check:
    def __init__(self, message: Message, version: Definitions) -> None:
        header = message.header
        self._message = message
        self._version = version
        self._open_ended = bool(header.profiles) or header.version != version.version
        self._fields = FieldCheck(message, version, self._open_ended)

    def result(self) -> Checked:
        name, structure = self._structure()
        found = [*self._about_event(structure), *self._order(structure)]
        found += islice(self._contents(), max(0, MOST - len(found)))
        return Checked(tuple(found[:MOST]), self._version.version, name if structure else "")

    def _structure(self) -> tuple[str, Structure | None]:
        header = self._message.header
        derived = derived_structure(header.type, header.trigger)
        for name in (f"{header.type}_{header.trigger}", derived, header.structure, header.type):
            found = self._version.structure(name)
            if found is not None:
                return found.root.name, found
        return "", None

    def _about_event(self, structure: Structure | None) -> Iterable[Problem]:
        """A type or an event that the version does not have: there is no order to hold it to."""
        header = self._message.header
        if structure is not None or header.trigger.startswith("Z") or header.type.startswith("Z"):
            return
        events = self._version.table(_EVENTS)
        if events and header.trigger not in events and not self._open_ended:
            place = Location("MSH", 1, 9, 1, 2)
            yield Problem("201", f"MSH-9.2 is no event of {self._version.version}.", place)

    def _order(self, structure: Structure | None) -> list[Problem]:
        segments = [one for one in self._message.segments if not _local(one)]
        if self._open_ended:
            segments = [one for one in segments if self._version.segment(one.id) is not None]
        if structure is not None:
            return sequence_findings(segments, structure)
        text = "is no segment of version"
        return [
            Problem(SEQUENCE, f"{one.id} {text} {self._version.version}.", Location(one.id))
            for one in segments
            if self._version.segment(one.id) is None
        ]

    def _contents(self) -> Iterable[Problem]:
        seen: Counter[str] = Counter()
        for one in self._message.segments:
            seen[one.id] += 1
            if not _local(one):
                yield from self._fields.findings(one, seen[one.id])


def _local(segment: Segment) -> bool:
    return segment.raw[:1] == b"Z"
