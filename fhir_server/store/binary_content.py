"""Large base64 data in GridFS, under the SHA-256 of its bytes: of a Binary, or of any Attachment.

A MongoDB document ends at 16 MB; twenty minutes of one-channel speech as FLAC are about that.
Being named by content, an upload that a retried transaction repeats stores nothing twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

from gridfs import AsyncGridFSBucket
from gridfs.errors import CorruptGridFile, FileExists, NoFile

from fhir_server.errors import InvalidResource, Unavailable
from fhir_server.resource import Resource
from fhir_server.store.connection import Database
from fhir_server.store.documents import Blob

INLINE_LIMIT = 256 * 1024
"""Characters of base64 up to which data stays in the document."""

_DATA = "data"
_PIECE = 255 * 1024
"""Bytes read at once: one chunk of GridFS."""


class BinaryContent:
    """Moves large data out of documents and back in."""

    def __init__(self, database: Database) -> None:
        self._bucket = AsyncGridFSBucket(database, bucket_name="content")
        self._files = database["content.files"]

    async def detach(self, resource: Resource) -> tuple[Resource, tuple[Blob, ...]]:
        """The resource to store without its large data, and where that went.

        Raises `InvalidResource` when data is not base64.
        """
        large = list(_large(resource, ()))
        if not large:
            return resource, ()
        blobs = []
        for path, text in large:
            try:
                content = base64.b64decode("".join(text.split()), validate=True)
            except binascii.Error:
                where = ".".join(str(step) for step in (resource["resourceType"], *path))
                raise InvalidResource("Not base64.", expression=(where,)) from None
            blobs.append(Blob(path, await self._keep(content), len(content)))
        slim: Resource = _without(resource, {blob.path for blob in blobs}, ())
        return slim, tuple(blobs)

    async def attach(self, resource: Resource, blobs: tuple[Blob, ...]) -> Resource:
        """The resource with its data put back in, each where it was."""
        for blob in blobs:
            content = b"".join([piece async for piece in self.read(blob, 0, blob.length)])
            holder: Any = resource
            for step in blob.path[:-1]:
                holder = holder[step]
            holder[_DATA] = base64.b64encode(content).decode("ascii")
        return resource

    async def read(self, blob: Blob, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces. Raises `Unavailable` if they are gone."""
        try:
            stream = await self._bucket.open_download_stream(blob.id)
            await stream.seek(start)
            while start < stop:
                piece = await stream.read(min(_PIECE, stop - start))
                if not piece:
                    raise CorruptGridFile("short")
                start += len(piece)
                yield piece
        except (NoFile, CorruptGridFile):
            raise Unavailable("The content of this resource is missing from the store.") from None

    async def _keep(self, content: bytes) -> str:
        id = hashlib.sha256(content).hexdigest()
        if await self._files.find_one({"_id": id}, {"_id": 1}) is None:
            # The same content may arrive twice at once; either copy will do.
            with suppress(FileExists):
                await self._bucket.upload_from_stream_with_id(id, id, content)
        return id


Path = tuple[str | int, ...]


def _large(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every `data` that is too large to stay, with its path."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _large(one, (*path, place))
    elif isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, dict | list):
                yield from _large(one, (*path, name))
            elif name == _DATA and isinstance(one, str) and len(one) > INLINE_LIMIT:
                yield (*path, name), one


def _without(value: Any, paths: set[Path], path: Path) -> Any:
    if isinstance(value, list):
        return [_without(one, paths, (*path, place)) for place, one in enumerate(value)]
    if isinstance(value, dict):
        return {
            name: _without(one, paths, (*path, name))
            for name, one in value.items()
            if (*path, name) not in paths
        }
    return value
