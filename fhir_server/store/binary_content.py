"""Large base64 data in GridFS, under the SHA-256 of its bytes: of a Binary, or of any Attachment.

In an encrypted database every chunk is encrypted by itself; `content.files` counts plain bytes, so
that a part is found without reading what is before it.

Content may move to another home: then `content.files` names it (`home`) and there are no chunks.

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
from gridfs.errors import FileExists
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from fhir_server.errors import InvalidResource, Unavailable
from fhir_server.resource import Resource
from fhir_server.store.connection import Database
from fhir_server.store.content_home import ContentHome
from fhir_server.store.documents import Blob
from fhir_server.store.encryption import EncryptedDatabase, opened, sealed

INLINE_LIMIT = 256 * 1024
"""Characters of base64 up to which data stays in the document."""

_DATA = "data"
_PIECE = 255 * 1024
"""Bytes of one chunk of GridFS, its own default."""

_AT_ONCE = 4
"""Chunks encrypted or read at once: 1 MB in memory."""


class BinaryContent:
    """Moves large data out of documents and back in."""

    def __init__(self, database: Database, home: ContentHome | None = None) -> None:
        self._home = home
        self._bucket = AsyncGridFSBucket(database, bucket_name="content")
        self._database = database
        self._files = database["content.files"]
        self._chunks = database["content.chunks"]

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
        file = await self._file(blob.id)
        size = file.get("chunkSize", _PIECE)
        while start < stop and "home" not in file:
            first = start // size
            piece = await self._read(blob.id, first, min(first + _AT_ONCE, -(-stop // size)))
            piece = piece[start - first * size : stop - first * size]
            if not piece:
                # It may have moved while it was read.
                file = await self._file(blob.id)
                if "home" not in file:
                    raise Unavailable("The content of this resource is missing from the store.")
            start += len(piece)
            if piece:
                yield piece
        if start < stop:
            async for piece in self._elsewhere(file["home"]).read(blob.id, start, stop):
                yield piece

    async def move(self, blob: Blob) -> bool:
        """Move content to the other home. False without one; True once it is there, or was.

        Here it is removed only once it is there. Raises `Unavailable`; then it stays here.
        """
        file = await self._file(blob.id)
        if self._home is None or not file:
            return False
        if "home" not in file:
            await self._home.keep(blob.id, blob.length, self.read(blob, 0, blob.length))
            change = {"$set": {"home": self._home.name}}
            await self._files.update_one({"_id": blob.id}, change)
        await self._chunks.delete_many({"files_id": blob.id})
        return True

    async def _file(self, id: str) -> dict[str, Any]:
        fields = {"chunkSize": 1, "home": 1}
        return await self._files.find_one({"_id": id}, fields) or {}

    def _elsewhere(self, name: str) -> ContentHome:
        if self._home is None or self._home.name != name:
            raise Unavailable(
                f"The content of this resource is kept in {name}, which the settings do not name."
            )
        return self._home

    async def _keep(self, content: bytes) -> str:
        id = hashlib.sha256(content).hexdigest()
        if await self._files.find_one({"_id": id}, {"_id": 1}) is None:
            if isinstance(self._database, EncryptedDatabase):
                await self._keep_sealed(id, content)
                return id
            # The same content may arrive twice at once; either copy will do.
            with suppress(FileExists):
                await self._bucket.upload_from_stream_with_id(id, id, content)
        return id

    async def _read(self, id: str, first: int, last: int) -> bytes:
        """The chunks from number `first` up to `last`, as far as they are there in one piece."""
        wanted = {"files_id": id, "n": {"$gte": first, "$lt": last}}
        found = await self._chunks.find(wanted).sort("n", 1).to_list()
        there = [one for place, one in enumerate(found) if one["n"] == first + place]
        chunks = await opened(self._database, "content.chunks", there)
        return b"".join(bytes(one["data"]) for one in chunks)

    async def _keep_sealed(self, id: str, content: bytes) -> None:
        """Store the chunks encrypted, then the file; whoever does the same does no harm."""
        await self._chunks.create_index([("files_id", 1), ("n", 1)], unique=True)
        number = -(-len(content) // _PIECE)
        for start in range(0, number, _AT_ONCE):
            chunks = [
                {"files_id": id, "n": n, "data": content[n * _PIECE : (n + 1) * _PIECE]}
                for n in range(start, min(start + _AT_ONCE, number))
            ]
            await self._chunks.bulk_write(
                [
                    UpdateOne(
                        {"files_id": id, "n": one["n"]}, {"$set": {"data": one["data"]}}, True
                    )
                    for one in await sealed(self._database, "content.chunks", chunks)
                ]
            )
        file = {"filename": id, "length": len(content), "chunkSize": _PIECE}
        change = {"$setOnInsert": file, "$currentDate": {"uploadDate": True}}
        with suppress(DuplicateKeyError):  # of two at once the other was quicker
            await self._files.update_one({"_id": id}, change, upsert=True)


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
