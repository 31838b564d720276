"""The engines of the settings, in their order, under one policy."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from secrets import SystemRandom
from typing import TYPE_CHECKING, TypeVar

from aimed.settings import MissingSetting, Settings
from fhir_server.clock import random_id
from pipelines.engines.circuit import Circuit
from pipelines.engines.fallback_drafter import FallbackDrafter
from pipelines.engines.fallback_transcriber import FallbackTranscriber
from pipelines.engines.meter import Meter
from pipelines.engines.policy import Engine, EngineOrder
from pipelines.engines.settings import PolicySettings
from pipelines.engines.usage import PriceTable, Work
from pipelines.note import RulesDrafter
from pipelines.ports import NoteDrafter, RecordingTranscriber, Transcriber

if TYPE_CHECKING:
    from integrations.aws.credentials import AwsAccess
    from integrations.aws.storage.recordings import S3Recordings

Port = TypeVar("Port")


@dataclass
class Circuits:
    """The circuits of one process: they outlive the jobs of a worker."""

    settings: PolicySettings
    meter: Meter
    _known: dict[tuple[Work, str], Circuit] = field(default_factory=dict)

    def of(self, work: Work, key: str) -> Circuit:
        """The circuit of an engine, closed at first."""
        known = self._known.get((work, key))
        if known is None:
            changed = partial(self.meter.circuit, work, key)
            known = Circuit(self.settings, time.monotonic, changed)
            self._known[work, key] = known
        return known


@dataclass(frozen=True)
class Engines:
    """What a process that hears consultations or writes notes works with."""

    transcriber: FallbackTranscriber
    drafter: FallbackDrafter

    async def warm(self) -> None:
        """Load what runs on this machine now, and not when the first patient speaks.

        Raises `WhisperMissing`.
        """
        from integrations.whisper.transcriber import WhisperTranscriber

        for engine in self.transcriber.order.engines:
            if isinstance(engine.port, WhisperTranscriber):
                await engine.port.warm()


def make_engines(settings: Settings, circuits: Circuits, meter: Meter) -> Engines:
    """Build what the settings name. Raises `MissingSetting`."""
    prices = PriceTable(settings.engines.prices)
    heard = [(key, _transcriber(key, settings)) for key in settings.engines.transcription]
    written = [(key, _drafter(key, settings)) for key in settings.engines.note]
    return Engines(
        FallbackTranscriber(
            _order(Work.TRANSCRIPTION, heard, circuits, meter), prices, clock=time.monotonic
        ),
        FallbackDrafter(_order(Work.NOTE, written, circuits, meter), prices, clock=time.monotonic),
    )


def _order(
    work: Work, ports: Sequence[tuple[str, Port]], circuits: Circuits, meter: Meter
) -> EngineOrder[Port]:
    engines = [Engine(key, port, circuits.of(work, key)) for key, port in ports]
    return EngineOrder(work, engines, circuits.settings, random=SystemRandom().random, meter=meter)


def _transcriber(key: str, settings: Settings) -> Transcriber:
    if key == "whisper":
        # Here, for numpy: `aimed relay` and `aimed mllp` need neither.
        from integrations.whisper.transcriber import WhisperTranscriber

        return WhisperTranscriber(settings.whisper)
    access = aws_access(settings)
    from integrations.aws.transcribe.transcriber import TranscribeTranscriber

    return TranscribeTranscriber(settings.aws, access, ids=random_id, clock=time.monotonic)


def _drafter(key: str, settings: Settings) -> NoteDrafter:
    if key == "rules":
        return RulesDrafter()
    if importlib.util.find_spec("openai") is None:
        raise MissingSetting("A language model needs more packages: pip install 'aimed[llm]'")
    if not settings.llm.model:
        raise MissingSetting("Name the language model in AIMED_LLM__MODEL.")
    from integrations.llm.drafter import LlmDrafter

    return LlmDrafter(settings.llm)


def make_recording_transcriber(settings: Settings) -> RecordingTranscriber | None:
    """What transcribes finished recordings again, if there is such an engine."""
    if settings.aws.batch.bucket is None:
        return None
    access = aws_access(settings)
    from integrations.aws.batch.transcription import TranscriptionJobs

    return TranscriptionJobs(settings.aws, access)


def make_recordings_home(settings: Settings) -> S3Recordings | None:
    """Where recordings live, if not in the database."""
    if settings.aws.recordings.bucket is None:
        return None
    access = aws_access(settings)
    from integrations.aws.storage.recordings import S3Recordings

    return S3Recordings(settings.aws, access)


def aws_access(settings: Settings) -> AwsAccess:
    """The account of the settings. Raises `MissingSetting` without the extra."""
    if importlib.util.find_spec("boto3") is None:
        raise MissingSetting("AWS needs more packages: pip install 'aimed[aws]'")
    from integrations.aws.credentials import AwsAccess

    return AwsAccess(settings.aws)
