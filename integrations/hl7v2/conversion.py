"""Stored messages become FHIR: mapping and writing, as processing asks for them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime

from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.engine import convert
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.mapping.tables import Tables, compiled
from integrations.hl7v2.message import Message, parse
from integrations.hl7v2.processing.converter import Converted, Ignored, Work
from integrations.hl7v2.report_document import report_document
from integrations.hl7v2.settings import ListenerSettings
from integrations.hl7v2.writing.importing import Importing
from integrations.hl7v2.writing.outcome import Applied
from integrations.hl7v2.writing.source import MessageSource

_LARGE = 32 * 1024
"""Messages of more bytes are converted beside the event loop: they take more than 20 ms."""
_HEADER_ONLY = frozenset(("MessageHeader", "Organization", "Endpoint", "Device"))
_PLAIN = ListenerSettings()


class Mapping:
    """Reads and converts as the site's mapping and the listener of a message ask for."""

    def __init__(
        self, tables: Tables, site: SiteMapping, listeners: Sequence[ListenerSettings] = ()
    ) -> None:
        self._tables = tables
        self._site = site
        self._listeners = {one.name: one for one in listeners}

    @classmethod
    def of(cls, site: SiteMapping, listeners: Sequence[ListenerSettings] = ()) -> Mapping:
        """With the tables compiled for a site. Raises `SiteMappingError`."""
        return cls(compiled(site), site, listeners)

    @property
    def default_authority(self) -> str:
        """The site's system for identifiers without an assigning authority, empty for none."""
        return self._site.default_authority

    def parse(self, raw: bytes, listener: str) -> Message:
        """A message in the character set its listener falls back to. Raises `NotHl7`."""
        return parse(raw, fallback=self.fallback(listener))

    def fallback(self, listener: str) -> str:
        """The character set that a listener falls back to."""
        return self._listener(listener).charset

    async def convert(self, message: Message, listener: str, at: datetime) -> Conversion:
        """Drafts, actions and report; `at` is when the message was received."""
        site = self._site
        if authority := self._listener(listener).assigning_authority:
            site = site.model_copy(update={"default_authority": authority})
        if len(message.raw) < _LARGE:
            return convert(message, self._tables, site, at=at)
        return await asyncio.to_thread(convert, message, self._tables, site, at=at)

    def _listener(self, name: str) -> ListenerSettings:
        return self._listeners.get(name, _PLAIN)


class FhirConversion:
    """The converter of `processing`: a message becomes resources in one transaction."""

    def __init__(self, mapping: Mapping, importing: Importing) -> None:
        self._mapping = mapping
        self._importing = importing

    async def __call__(self, work: Work) -> Converted | Ignored:
        """Convert and write, all or nothing. Raises `FhirError`."""
        record = work.record
        message = self._mapping.parse(work.message.raw, record.listener)
        conversion = await self._mapping.convert(message, record.listener, record.received)
        if nothing := nothing_in(conversion):
            return Ignored(nothing, report_document(conversion.report))
        digest = hashlib.sha256(message.raw).hexdigest()
        applied = await self._importing.write(
            conversion, MessageSource(record.id, digest, record.received)
        )
        if applied.pending:
            await self._importing.finish_moves()
        return Converted(
            tuple(dict.fromkeys(one.reference for one in applied.written)),
            report_document(conversion.report, applied),
            _warnings(conversion, applied),
        )


def nothing_in(conversion: Conversion) -> str:
    """Why there is nothing to write, empty when there is.

    A header alone tells of no patient, order or appointment: of a query, say, nothing is kept but
    the message itself.
    """
    if conversion.actions or any(one.type not in _HEADER_ONLY for one in conversion.drafts):
        return ""
    named = "^".join(filter(None, (conversion.family, conversion.trigger)))
    return f"Nothing in {named or 'a message without a type'} has a place in FHIR by the tables."


def _warnings(conversion: Conversion, applied: Applied) -> tuple[str, ...]:
    faults = len(conversion.report.errors)
    counted = (f"{faults} fields hold what could not be used.",) if faults else ()
    return (*counted, *applied.notes)
