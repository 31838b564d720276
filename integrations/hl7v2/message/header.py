"""What MSH says of a message.

Source: HL7 v2.8.2 chapter 2, 2.14.9 (MSH); structures in data/structures.json (table 0354).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from integrations.hl7v2.message.segment import Segment


class HD(NamedTuple):
    """A hierarchic designator: an application, a facility, an assigning authority."""

    namespace: str = ""
    universal_id: str = ""
    universal_type: str = ""

    @property
    def text(self) -> str:
        """The namespace, or the universal id where that is all there is."""
        return self.namespace or self.universal_id


@dataclass(frozen=True, slots=True)
class Header:
    """MSH, as text; what was not sent is empty. `sent` is MSH-7 as written (DTM)."""

    control_id: str
    type: str
    trigger: str
    structure: str
    version: str
    sent: str
    processing_id: str
    sending_application: HD
    sending_facility: HD
    receiving_application: HD
    receiving_facility: HD
    accept_ack: str
    application_ack: str
    country: str
    profiles: tuple[str, ...]


def read_header(msh: Segment) -> Header:
    """The header of the message that this MSH segment begins."""
    kind, trigger, structure = _event(msh)
    return Header(
        control_id=msh.text("10"),
        type=kind,
        trigger=trigger,
        structure=structure or derived_structure(kind, trigger),
        version=msh.text("12.1"),
        sent=msh.text("7.1"),
        processing_id=msh.text("11.1"),
        sending_application=HD(*_parts(msh, 3)),
        sending_facility=HD(*_parts(msh, 4)),
        receiving_application=HD(*_parts(msh, 5)),
        receiving_facility=HD(*_parts(msh, 6)),
        accept_ack=msh.text("15"),
        application_ack=msh.text("16"),
        country=msh.text("17"),
        profiles=tuple(one[1].text for one in msh[21].repetitions),
    )


_STRUCTURE = re.compile(r"([A-Z]{3})_([A-Z][A-Z0-9]{2})")


def _event(msh: Segment) -> tuple[str, str, str]:
    """Type, event and structure; some senders name the structure alone (`ORU_R01`)."""
    kind, trigger, structure = _parts(msh, 9)
    named = None if trigger else _STRUCTURE.fullmatch(kind)
    return (named[1], named[2], structure or kind) if named else (kind, trigger, structure)


def _parts(msh: Segment, number: int) -> tuple[str, str, str]:
    raw = msh.raw_field(number)
    if not raw:
        return "", "", ""
    marks = msh.reading.delimiters
    if marks.component not in raw and marks.repetition not in raw:
        return msh.text(str(number)), "", ""
    first = msh[number][1]
    return first[1].text, first[2].text, first[3].text


@cache
def _structures() -> dict[tuple[str, str], str]:
    text = files("integrations.hl7v2.message").joinpath("data/structures.json").read_text("utf-8")
    rows: dict[str, list[str]] = json.loads(text)["structures"]
    return {(name[:3], event): name for name, events in rows.items() for event in events}


def derived_structure(kind: str, trigger: str) -> str:
    """The structure of table 0354 that a message of this type and event has."""
    if not trigger or kind == "ACK":
        return kind
    return _structures().get((kind, trigger), f"{kind}_{trigger}")
