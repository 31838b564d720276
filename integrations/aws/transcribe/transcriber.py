"""The `Transcriber` port on Amazon Transcribe."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fhir_server.clock import Ids
from integrations.aws.credentials import AwsAccess
from integrations.aws.settings import AwsSettings
from integrations.aws.transcribe.connection import Connector
from integrations.aws.transcribe.session import TranscribeSession
from pipelines.ports import AudioFormat

MODEL = "2017-10-26"
"""Version of the streaming API; the service does not tell which model it runs."""


class TranscribeTranscriber:
    """Streams of one account. `ids` makes UUIDs, `clock` is a monotonic clock in seconds."""

    def __init__(
        self,
        settings: AwsSettings,
        access: AwsAccess,
        *,
        ids: Ids,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = settings.transcribe.limits
        self._connector = Connector(settings, access)
        self._ids = ids
        self._clock = clock
        medical = "-medical" if settings.transcribe.kind == "medical" else ""
        self.name = f"amazon-transcribe{medical} {MODEL}"

    async def warm(self) -> None:
        """Nothing is loaded here: a service that is away now may be back when somebody speaks."""

    def open(
        self, audio: AudioFormat, *, offset: float = 0.0, vocabulary: Sequence[str] = ()
    ) -> TranscribeSession:
        """Begin a session whose first sample lies `offset` seconds into the consultation.

        The service knows vocabularies by name only, made beforehand: `vocabulary` is not used.
        """
        return TranscribeSession(
            self._connector, self._limits, audio, offset, ids=self._ids, clock=self._clock
        )
