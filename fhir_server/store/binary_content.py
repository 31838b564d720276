"""Large Binary content in GridFS, under the SHA-256 of its bytes.

A MongoDB document ends at 16 MB; twenty minutes of one-channel speech as FLAC are about that.
Being named by content, an upload that a retried transaction repeats stores nothing twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextlib import suppress

from gridfs import AsyncGridFSBucket
from gridfs.errors import FileExists, NoFile

from fhir_server.errors import InvalidResource, Unavailable
from fhir_server.resource import Resource
from fhir_server.store.connection import Database

INLINE_LIMIT = 256 * 1024
"""Characters of base64 up to which `Binary.data` stays in the document."""


class BinaryContent:
    """Moves `Binary.data` out of documents and back in."""

    def __init__(self, database: Database) -> None:
        self._bucket = AsyncGridFSBucket(database, bucket_name="content")
        self._files = database["content.files"]

    async def detach(self, resource: Resource) -> tuple[Resource, str | None]:
        """The resource to store and the id of its content, None when it stays inline.

        Raises `InvalidResource` when `data` is not base64.
        """
        data = resource.get("data")
        if resource["resourceType"] != "Binary" or not isinstance(data, str):
            return resource, None
        if len(data) <= INLINE_LIMIT:
            return resource, None
        try:
            content = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise InvalidResource("Not base64.", expression=("Binary.data",)) from None
        slim = {name: value for name, value in resource.items() if name != "data"}
        return slim, await self._keep(content)

    async def load(self, id: str) -> bytes:
        """The bytes of kept content. Raises `Unavailable` if they are missing."""
        try:
            stream = await self._bucket.open_download_stream(id)
            return await stream.read()
        except NoFile:
            raise Unavailable("The content of this Binary is missing from the store.") from None

    async def _keep(self, content: bytes) -> str:
        id = hashlib.sha256(content).hexdigest()
        if await self._files.find_one({"_id": id}, {"_id": 1}) is None:
            # The same content may arrive twice at once; either copy will do.
            with suppress(FileExists):
                await self._bucket.upload_from_stream_with_id(id, id, content)
        return id
