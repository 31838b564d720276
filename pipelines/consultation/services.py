"""What every part of a consultation works with."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_server.clock import Clock, Ids
from fhir_server.store import MongoStore
from pipelines.engines.fallback_drafter import FallbackDrafter
from pipelines.engines.fallback_transcriber import FallbackTranscriber
from pipelines.engines.meter import Meter
from pipelines.ports import EventBus
from pipelines.settings import ConsultationSettings
from pipelines.store import AudioSpool, ConsultationStore, Journal


@dataclass(frozen=True)
class Services:
    """The ports and stores; handed in, never looked up."""

    store: MongoStore
    transcriber: FallbackTranscriber
    drafter: FallbackDrafter
    bus: EventBus
    clock: Clock
    ids: Ids
    settings: ConsultationSettings
    meter: Meter
    second_engine: str | None = None
    """Name of what transcribes finished recordings again, if there is such an engine."""

    @property
    def consultations(self) -> ConsultationStore:
        """The records of consultations."""
        return ConsultationStore(self.store.database)

    @property
    def journal(self) -> Journal:
        """The final segments."""
        return Journal(self.store.database)

    @property
    def spool(self) -> AudioSpool:
        """The audio."""
        return AudioSpool(self.store.database)
