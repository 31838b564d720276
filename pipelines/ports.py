"""The ports of the consultation: what `integrations` implements and `aimed` hands in.

Times are seconds from the first audio frame of the consultation. Audio is PCM16 little endian at
16 kHz, interleaved when there are two channels.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pipelines.engines.usage import Usage

SAMPLE_RATE = 16_000
BYTES_PER_SAMPLE = 2


class Role(StrEnum):
    """Who speaks. The values appear in transcripts and events."""

    DOCTOR = "doctor"
    PATIENT = "patient"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AudioFormat:
    """What a microphone declared. `roles` has one entry per channel, or is empty (undeclared)."""

    channels: int = 1
    roles: tuple[Role, ...] = ()

    @property
    def bytes_per_second(self) -> int:
        """Bytes of interleaved PCM16 in one second."""
        return SAMPLE_RATE * BYTES_PER_SAMPLE * self.channels


@dataclass(frozen=True)
class Word:
    """One recognised word with its time and probability (0 to 1)."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True)
class TranscriptPartial:
    """What is being said now. Replaces the channel's earlier partial; never stored."""

    channel: int
    start: float
    end: float
    text: str


@dataclass(frozen=True)
class TranscriptFinal:
    """Words that will not change any more. `confidence` is 0 to 1.

    `settled` is the time before which nothing on any channel is still to come: after a crash the
    transcription resumes there.
    """

    channel: int
    start: float
    end: float
    text: str
    confidence: float
    settled: float
    words: tuple[Word, ...] = ()
    engine: str = ""
    """The name of the engine that heard it; filled in above the port."""
    speaker: str | None = None
    """A voice that the engine tells from others, under a name that means only this voice; None
    where it tells none apart."""


class TranscriptionSession(Protocol):
    """One running transcription. `feed` in one task, `results` in another."""

    async def feed(self, pcm: bytes) -> None:
        """Take the next interleaved PCM16 bytes, any length of whole samples."""

    async def finish(self) -> None:
        """Say that no audio follows: the rest is transcribed and `results` ends."""

    def results(self) -> AsyncIterator[TranscriptPartial | TranscriptFinal]:
        """Yield results as they appear; ends after `finish` once all is said."""

    async def aclose(self) -> None:
        """Release everything at once; results not yet yielded are dropped."""


class Transcriber(Protocol):
    """A speech recognition engine."""

    @property
    def name(self) -> str:
        """Engine and model for Device and Provenance, for example `whisper tiny.en`."""

    def open(
        self, audio: AudioFormat, *, offset: float = 0.0, vocabulary: Sequence[str] = ()
    ) -> TranscriptionSession:
        """Begin a session whose first sample lies `offset` seconds into the consultation.

        `vocabulary` holds words to expect (the chart's medications, say).
        """


class RecordingTranscriber(Protocol):
    """An engine that transcribes a whole recording at once, in a job that takes minutes."""

    name: str
    """Engine and model for Device and Provenance."""

    async def transcribe(
        self, job: str, audio: AudioFormat, flac: Callable[[], AsyncIterator[bytes]]
    ) -> Sequence[TranscriptFinal] | None:
        """Begin the job of that name, or look how far it is; None until it is done.

        Safe to repeat, and to go on with in another process. `flac` gives the recording anew
        with each call. Raises `EngineError`.
        """

    async def forget(self, job: str) -> None:
        """Remove what the job left with the engine. Raises `EngineError`."""

    async def check(self) -> None:
        """Try what can be tried without a recording. Raises `EngineError`."""


@dataclass(frozen=True)
class Segment:
    """One final piece of transcript: what the journal keeps and evidence points at."""

    id: str
    """`s1`, `s2`, ... in the order of becoming final; unique in its consultation."""
    channel: int
    role: Role
    start: float
    end: float
    text: str
    confidence: float
    words: tuple[Word, ...] = ()
    engine: str = ""
    """The name of the engine that heard it, as its Device has it."""
    speaker: str | None = None
    """The voice, as `TranscriptFinal` has it."""


@dataclass(frozen=True)
class NoteSentence:
    """One sentence of the note with the segments that prove it (at least one)."""

    id: str
    text: str
    evidence: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    """What a clinician should check in it, in plain words; empty when nothing is in doubt."""


@dataclass(frozen=True)
class Tokens:
    """What a language model read and wrote, as its server counts."""

    read: int = 0
    written: int = 0


@dataclass(frozen=True)
class NoteDraft:
    """A SOAP note: for each section code of `pipelines.note.sections` its sentences."""

    sections: dict[str, tuple[NoteSentence, ...]] = field(default_factory=dict)
    left_out: int = 0
    """How many sentences the engine proposed that their evidence does not bear out."""
    tokens: Tokens = Tokens()
    engine: str = ""
    """The name of the engine that wrote it; filled in above the port."""
    usage: tuple[Usage, ...] = ()
    """What it took, attempts that failed included; filled in above the port."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write down."""
        return not any(self.sections.values())


@dataclass(frozen=True)
class ChartEntry:
    """One thing the patient's chart says: an allergy, a medication, a condition."""

    reference: str
    text: str
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Chart:
    """What is known of the patient before the consultation, as far as the rules need it."""

    allergies: tuple[ChartEntry, ...] = ()
    medications: tuple[ChartEntry, ...] = ()
    conditions: tuple[ChartEntry, ...] = ()
    age_years: float | None = None
    sex: str | None = None


class NoteDrafter(Protocol):
    """Writes the note from what was said."""

    @property
    def name(self) -> str:
        """Engine and version for Device and Provenance, for example `rules 1`."""

    @property
    def live_interval(self) -> float:
        """Least seconds between drafts of a running consultation; 0 for one that costs nothing."""

    async def draft(self, segments: Sequence[Segment], chart: Chart) -> NoteDraft:
        """Draft the whole note anew from all segments so far; no evidence, no sentence."""


@dataclass(frozen=True)
class Event:
    """The one envelope of everything a watcher sees. `seq` counts up from 1 per encounter."""

    seq: int
    type: str
    encounter: str
    at: str
    data: dict[str, Any]


class EventBus(Protocol):
    """Ordered events per encounter that a reconnecting watcher can catch up on."""

    async def publish(
        self, encounter: str, type: str, data: dict[str, Any], *, once: str | None = None
    ) -> int | None:
        """Append an event and return its `seq`.

        `once` names the event's origin: a second publication under the same name does nothing
        and returns None, which makes at-least-once delivery harmless.
        """

    def follow(self, encounter: str, after: int = 0) -> AsyncIterator[Event]:
        """Yield every event with `seq > after`, then new ones as they come, for ever."""

    async def last(self, encounter: str) -> int:
        """The `seq` of the newest event, 0 if there is none."""
