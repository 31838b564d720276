"""A consultation on a real store, with a transcriber that reads from a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fhir_server.auth.caller import Caller
from fhir_server.clock import random_id, system_clock
from fhir_server.store import MongoStore, Outbox
from integrations.redis_events import RedisEventBus
from pipelines.consultation.consultations import Consultations
from pipelines.consultation.starting import Beginning
from pipelines.engines.meter import Unmetered
from pipelines.note import RulesDrafter
from pipelines.ports import (
    AudioFormat,
    NoteDrafter,
    Role,
    Transcriber,
    TranscriptFinal,
    TranscriptionSession,
    TranscriptPartial,
)
from pipelines.settings import ConsultationSettings
from tests.pipelines.engines.ordered import drafters, transcribers

CALLER = Caller("Practitioner/p1", "Dr Adams", "user/*.cruds")
SECOND = bytes(32_000)


@dataclass(frozen=True)
class Line:
    """Something said on a channel, in seconds."""

    channel: int
    start: float
    end: float
    text: str


class ScriptSession:
    """Hears each line once the audio has passed its end; a broken one raises there."""

    def __init__(self, script: Script, audio: AudioFormat, offset: float) -> None:
        self._script = script
        self._rate = audio.bytes_per_second
        self._position = offset
        self._left = [line for line in script.lines if line.end > offset]
        self._results: asyncio.Queue[TranscriptPartial | TranscriptFinal | Exception | None]
        self._results = asyncio.Queue()

    async def feed(self, pcm: bytes) -> None:
        self._position += len(pcm) / self._rate
        while self._left and self._left[0].end <= self._position:
            line = self._left.pop(0)
            if self._script.failures and line.text.startswith("FAIL"):
                self._script.failures -= 1
                await self._results.put(self._script.fault)
                return
            partial = TranscriptPartial(line.channel, line.start, line.end, line.text)
            await self._results.put(partial)
            settled = min([one.start for one in self._left], default=self._position)
            await self._results.put(
                TranscriptFinal(line.channel, line.start, line.end, line.text, 0.9, settled)
            )

    async def finish(self) -> None:
        await self._results.put(None)

    async def results(self) -> AsyncIterator[TranscriptPartial | TranscriptFinal]:
        while (found := await self._results.get()) is not None:
            if isinstance(found, Exception):
                raise found
            yield found

    async def aclose(self) -> None:
        self._left.clear()


@dataclass
class Script:
    """A Transcriber that knows what is going to be said."""

    lines: list[Line] = field(default_factory=list)
    failures: int = 0
    fault: Exception = field(default_factory=lambda: RuntimeError("the engine broke"))
    opened: list[float] = field(default_factory=list)
    name: str = "script 1"

    def open(
        self, audio: AudioFormat, *, offset: float = 0.0, vocabulary: Sequence[str] = ()
    ) -> TranscriptionSession:
        self.opened.append(offset)
        return ScriptSession(self, audio, offset)


@dataclass
class Clinic:
    """Everything a test needs, and a way to make a second process."""

    store: MongoStore
    bus: RedisEventBus
    script: Script
    settings: ConsultationSettings
    running: list[Consultations] = field(default_factory=list)
    second_engine: str | None = None

    def process(
        self, *, transcriber: Sequence[Transcriber] = (), drafter: Sequence[NoteDrafter] = ()
    ) -> Consultations:
        """A process with these engines, or with the script and the rules."""
        made = Consultations(
            self.store,
            transcriber=transcribers(*(transcriber or (self.script,))),
            drafter=drafters(*(drafter or (RulesDrafter(),))),
            bus=self.bus,
            clock=system_clock,
            ids=random_id,
            settings=self.settings,
            meter=Unmetered(),
            second_engine=self.second_engine,
        )
        self.running.append(made)
        return made

    async def begin(self, consultations: Consultations, audio: AudioFormat) -> str:
        return await consultations.start(Beginning("Patient/p1", True, audio), CALLER)

    async def events(self, encounter: str) -> list[tuple[str, dict[str, Any]]]:
        """The session events so far, as the relay will publish them."""
        rows = await Outbox(self.store.database).pending(1000)
        return [
            (row.type, row.data)
            for row in rows
            if row.topic == "session" and row.partition == encounter
        ]

    async def resources(self, type: str) -> list[dict[str, Any]]:
        page = await self.store.search({"type": type, "deleted": False}, count=100)
        return [stored.resource() for stored in page.entries]


TWO = AudioFormat(2, (Role.DOCTOR, Role.PATIENT))
ONE = AudioFormat(1, (Role.PATIENT,))


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until something holds; fail when it does not."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.02)


BORN = (system_clock() - timedelta(days=365 * 50)).date().isoformat()
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Byrne", "given": ["Nora"]}],
    "birthDate": BORN,
    "gender": "female",
}
ALLERGY: dict[str, Any] = {
    "resourceType": "AllergyIntolerance",
    "id": "a1",
    "clinicalStatus": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                "code": "active",
            }
        ]
    },
    "code": {
        "coding": [
            {
                "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                "code": "7980",
                "display": "penicillin G",
            }
        ],
        "text": "Penicillin",
    },
    "patient": {"reference": "Patient/p1"},
}
