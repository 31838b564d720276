"""The acts of the admin API and the command line, each with its record in the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from fhir_server.administration.acts import Act, Actor
from fhir_server.clock import Clock, instant
from fhir_server.errors import FhirError, Malformed
from fhir_server.server import FhirServer
from integrations.hl7v2.administration import answers
from integrations.hl7v2.administration.checking import told_of
from integrations.hl7v2.administration.message_text import segments_of, separator_of
from integrations.hl7v2.administration.resources import shown_to
from integrations.hl7v2.administration.trying import tried
from integrations.hl7v2.conversion import Mapping
from integrations.hl7v2.feeds.figures import feeds
from integrations.hl7v2.message import NotHl7
from integrations.hl7v2.outbound.figures import destination_figures
from integrations.hl7v2.outbound.watching import destination_faults
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.store import (
    MessageQuery,
    MessageRecord,
    MessageStore,
    Replayed,
    count,
    replay,
    replay_query,
    search,
    still_waiting,
)
from integrations.hl7v2.store.lease import holder
from integrations.hl7v2.structure.checked import StructureChecker

Document = dict[str, Any]
_NAMED = 20
"""Most message ids that one AuditEvent names."""


class Hl7v2Administration:
    """Callers check that the actor is permitted."""

    def __init__(
        self,
        fhir: FhirServer,
        settings: Hl7v2Settings,
        mapping: Mapping,
        checker: StructureChecker,
        *,
        clock: Clock,
    ) -> None:
        self._fhir = fhir
        self._database = fhir.server.store.database
        self._store = MessageStore(self._database)
        self._settings = settings
        self._mapping = mapping
        self._checker = checker
        self._clock = clock
        self._started = clock()

    async def feeds(self) -> Document:
        """Listeners, destinations, and the process that converts. No patient is in it."""
        now = self._clock()
        configured = self._settings.outbound.destinations
        figures = await destination_figures(self._database, configured)
        return {
            "at": instant(now),
            "processing": await holder(self._database, "processing", now),
            "listeners": [
                answers.feed(one)
                for one in await feeds(self._database, self._settings, now, self._started)
            ],
            "destinations": [
                answers.destination(one, destination_faults(one, chosen.warn, now, self._started))
                for chosen, one in zip(configured, figures, strict=True)
            ],
        }

    async def search(
        self, actor: Actor, query: MessageQuery, *, limit: int, after: str | None
    ) -> Document:
        """A page of messages, newest first."""
        page = await search(self._database, query, limit=limit, after=after)
        patients = _patients(ref for one in page.messages for ref in one.resources)
        await self._note(actor, "messages/search", _criteria(query), patients)
        return {"messages": [answers.message(one) for one in page.messages], "next": page.next}

    async def count(self, query: MessageQuery) -> int:
        """How many messages match."""
        return await count(self._database, query)

    async def show(self, actor: Actor, id: str) -> Document:
        """A message whole: parsed, with its report and what came of it. Raises `ResourceNotFound`.

        `segments` is None when the bytes were removed or cannot be read. `fhir` holds what the
        actor may read, `withheld` the references of the rest.
        """
        act = Act("hl7v2/messages/show", "operation", details=(("message", id),))
        acts = self._fhir.administration.acts
        try:
            record = await self._store.read(id)
        except FhirError as error:
            await acts.refused(actor, act, error)
            raise
        await self._note(actor, "messages/show", act.details, record.resources)
        return {
            **answers.message(record),
            **self._text(record),
            "acknowledgement": _decoded(record.ack),
            "answer": _decoded(record.answer.bytes) if record.answer else None,
            "answer_state": record.answer.state if record.answer else None,
            "written": record.report.get("written", []),
            "notes": record.report.get("notes", []),
            "counts": record.report.get("counts", {}),
            "structure": told_of(found) if (found := record.report.get("structure")) else None,
            **await shown_to(actor, self._fhir.server, record.resources, self._settings.base),
        }

    async def replay(self, actor: Actor, ids: Sequence[str]) -> Replayed:
        """Process messages again, by their ids."""
        await self._note(actor, "messages/replay", [("message", one) for one in ids[:_NAMED]])
        return await replay(self._database, ids, self._clock())

    async def replay_query(self, actor: Actor, query: MessageQuery) -> Replayed:
        """Process again whatever a query finds."""
        await self._note(actor, "messages/replay", _criteria(query))
        return await replay_query(self._database, query, self._clock())

    async def still_waiting(self, asked: datetime) -> int:
        """How many of what was queued again at that moment are not processed yet."""
        return await still_waiting(self._database, asked)

    async def try_message(
        self, actor: Actor, raw: bytes, listener: str = "", *, structure: bool = False
    ) -> Document:
        """Convert without storing, and check the structure. Raises `Malformed`: not HL7 v2."""
        await self._note(actor, "try")
        checker = self._checker if structure else None
        try:
            return await tried(self._mapping, raw, listener, self._clock(), checker=checker)
        except NotHl7 as error:
            raise Malformed(str(error)) from None

    def _text(self, record: MessageRecord) -> Document:
        if record.raw is None:
            return {"segments": None, "raw": None}
        try:
            message = self._mapping.parse(record.raw, record.listener)
        except NotHl7:
            return {"segments": None, "raw": _decoded(record.raw)}
        return {
            "charset": message.charset.used,
            "separator": separator_of(message),
            "segments": segments_of(message, record.report),
            "raw": record.raw.decode(message.charset.used, "replace"),
        }

    async def _note(
        self,
        actor: Actor,
        name: str,
        details: Iterable[tuple[str, str]] = (),
        about: tuple[str, ...] = (),
    ) -> None:
        act = Act(f"hl7v2/{name}", "operation", about, tuple(details))
        await self._fhir.administration.acts.note(actor, act)


def _patients(references: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in references if one.startswith("Patient/")))


def _criteria(query: MessageQuery) -> list[tuple[str, str]]:
    given = [(one.name, getattr(query, one.name)) for one in fields(query)]
    return [
        (name, " ".join(value) if isinstance(value, tuple) else str(value))
        for name, value in given
        if value
    ]


def _decoded(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "replace")
