"""A message from a FHIR event: header by the destination, the rest by the tables.

Everything in it follows from the event, the resources and the settings, its control id too, so that
making it twice makes the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from fhir_server.clock import instant
from fhir_server.fhirpath import Node, root
from fhir_server.resource import Resource
from integrations.hl7v2.message.build import to_bytes
from integrations.hl7v2.outbound.charsets import codec
from integrations.hl7v2.outbound.drafts import SegmentDraft, Value
from integrations.hl7v2.outbound.fields import Place
from integrations.hl7v2.outbound.gathering import Gathered
from integrations.hl7v2.outbound.rewording import reworded
from integrations.hl7v2.outbound.segments import NotComposable, segments
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.outbound.tables import Tables
from integrations.hl7v2.outbound.values import timestamp

_CONTROL_ID = 20
"""Characters of MSH-10 in the versions before 2.7."""


@dataclass(frozen=True)
class Composed:
    """A message ready to be sent. `replaced` characters are not in the destination's charset."""

    control_id: str
    trigger: str
    payload: bytes
    replaced: int = 0


def control_id(destination: str, event: str, trigger: str) -> str:
    """The control id of an event's message: 100 bits of a hash, in capitals and digits."""
    digest = hashlib.sha256("\n".join((destination, event, trigger)).encode()).digest()
    return base64.b32encode(digest)[:_CONTROL_ID].decode("ascii")


def compose(
    destination: DestinationSettings,
    tables: Tables,
    gathered: Gathered,
    *,
    trigger: str,
    event: str,
    at: datetime,
) -> Composed:
    """The message that tells a destination of an event. Raises `NotComposable`.

    `trigger` is like `ADT^A08`, `event` the outbox row's id, `at` when it was written.
    """
    kind, _, code = trigger.partition("^")
    family = tables.messages[kind.lower()]
    if trigger not in family["messages"]:
        raise NotComposable(f"there is no table for {trigger}")
    entry = family["messages"][trigger]
    place = _place(destination, tables, gathered, family, code, at)
    id = control_id(destination.name, event, trigger)
    header = _header(destination, (kind, code, entry["structure"]), id, at)
    body = [header, *segments(family["segments"][entry["segments"]], place)]
    python = codec(destination.charset) or "ascii"
    written, replaced = reworded(body, python)
    payload = to_bytes([(one.id, one.fields) for one in written], charset=python)
    return Composed(id, trigger, payload, replaced)


def _place(
    destination: DestinationSettings,
    tables: Tables,
    gathered: Gathered,
    family: Any,
    code: str,
    at: datetime,
) -> Place:
    focus = root(gathered.resource)
    known = {
        "at": [Node("instant", instant(at))],
        "trigger": [Node("string", code)],
        "form": [Node("string", destination.document)],
        "version": [Node("string", destination.version)],
        "application": [Node("string", destination.sending_application)],
        "document": [Node("string", _document(gathered.resource))],
    }
    place = Place(tables, focus, focus, gathered.resolve, known)
    for name, path in family["variables"].items():
        place = place.at(focus, **{name: place.select(path)})
    return place


def _header(
    destination: DestinationSettings, kind: tuple[str, str, str], id: str, at: datetime
) -> SegmentDraft:
    """MSH. HL7 v2.5.1 2.15.9; MSH-9.3 came with 2.3.1."""
    asks = destination.acknowledgement == "enhanced"
    fields: dict[int, Value] = {
        3: tuple(destination.sending_application.split("^")),
        4: tuple(destination.sending_facility.split("^")),
        5: tuple(destination.receiving_application.split("^")),
        6: tuple(destination.receiving_facility.split("^")),
        7: (timestamp(instant(at)),),
        9: kind[:2] if destination.version == "2.3" else kind,
        10: (id,),
        11: (destination.processing,),
        12: (destination.version,),
        15: ("AL" if asks else "",),
        16: ("NE" if asks else "",),
        18: (destination.charset,),
    }
    return SegmentDraft("MSH", {number: [value] for number, value in fields.items() if any(value)})


def _document(resource: Resource) -> str:
    """A Composition as one page of HTML."""
    if resource["resourceType"] != "Composition":
        return ""
    parts = [f"<h1>{escape(resource.get('title', ''))}</h1>"]
    waiting = list(resource.get("section") or [])
    while waiting:
        section = waiting.pop(0)
        parts.append(f"<h2>{escape(section.get('title', ''))}</h2>")
        parts.append((section.get("text") or {}).get("div", ""))
        waiting = [*(section.get("section") or []), *waiting]
    head = f'<head><meta charset="utf-8"><title>{escape(resource.get("title", ""))}</title></head>'
    return f"<!DOCTYPE html><html>{head}<body>{''.join(parts)}</body></html>"
