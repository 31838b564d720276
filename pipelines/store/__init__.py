"""The only home of pymongo in the pipelines: audio, journal and state of consultations."""

from pipelines.store.audio_spool import AudioSpool, FrameGap, SpoolWriter
from pipelines.store.consultations import (
    AlertRecord,
    ConsultationRecord,
    ConsultationStore,
    State,
)
from pipelines.store.indexes import prepare
from pipelines.store.journal import REVISION, Journal

__all__ = [
    "REVISION",
    "AlertRecord",
    "AudioSpool",
    "ConsultationRecord",
    "ConsultationStore",
    "FrameGap",
    "Journal",
    "SpoolWriter",
    "State",
    "prepare",
]
