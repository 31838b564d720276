"""Recordings in S3, as the FHIR store's home for large content."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fhir_server.errors import Unavailable
from integrations.aws.credentials import AwsAccess
from integrations.aws.settings import AwsSettings
from integrations.aws.storage.objects import Objects
from pipelines.engines.errors import EngineError


class S3Recordings:
    """See `fhir_server.store.content_home.ContentHome`. An object is named by its SHA-256."""

    name = "s3"

    def __init__(self, settings: AwsSettings, access: AwsAccess) -> None:
        recordings = settings.recordings
        if recordings.bucket is None:
            raise ValueError("no bucket for recordings")
        self._objects = Objects(
            access, recordings.bucket, prefix=recordings.prefix, kms_key=recordings.kms_key
        )

    async def keep(self, id: str, length: int, content: AsyncIterator[bytes]) -> None:
        """Store what has the SHA-256 `id`. Raises `Unavailable` unless it is there as it was."""
        try:
            if await self._objects.size(id) == length:
                return
            stored = await self._objects.put(id, content, "audio/flac")
            if stored != id or await self._objects.size(id) != length:
                raise Unavailable("The recording did not arrive in S3 as it was.")
        except EngineError as error:
            raise Unavailable(f"The recording cannot be kept in S3. {error.action}") from None

    async def read(self, id: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`. Raises `Unavailable`."""
        try:
            async for piece in self._objects.read(id, start, stop):
                yield piece
        except EngineError as error:
            raise Unavailable(f"The recording cannot be read from S3. {error.action}") from None

    async def check(self) -> None:
        """Try the bucket as recordings need it. Raises `EngineError`, for an operator to read."""
        await self._objects.check("aimed-check")

    async def remove(self, id: str) -> None:
        """Remove it; harmless when it is gone. Raises `Unavailable`."""
        try:
            await self._objects.delete(id)
        except EngineError as error:
            raise Unavailable(f"The recording cannot be removed from S3. {error.action}") from None
