"""Encrypted databases for tests, and what stands in them as a thief would read it."""

from __future__ import annotations

import base64
from typing import Any

import bson
from bson import CodecOptions

from fhir_server.settings import EncryptionSettings
from fhir_server.store.connection import connect

KEY = base64.b64encode(bytes(range(96))).decode()
OTHER_KEY = base64.b64encode(bytes(range(100, 196))).decode()

_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=4)

INDEX = ("k", "r", "c", "s", "z", "w", "geo", "in", "refs")
"""Fields of `resources` that decision 0009 leaves in clear."""


def local(key: str = KEY, **more: Any) -> EncryptionSettings:
    return EncryptionSettings.model_validate({"provider": "local", "key": key, **more})


async def dump(uri: str, name: str, *, without: tuple[str, ...] = INDEX) -> dict[str, bytes]:
    """Every collection as BSON, read by a plain client that has no keys."""
    async with connect(uri) as client:
        database = client[name]
        found = {}
        for collection in await database.list_collection_names():
            documents = await database[collection].find().to_list()
            found[collection] = b"".join(
                bson.encode(
                    {k: v for k, v in one.items() if k not in without}, codec_options=_CODEC
                )
                for one in documents
            )
        return found


def shown(dumped: dict[str, bytes], *words: str | bytes) -> list[tuple[str, str | bytes]]:
    """The words that can be read, each with its collection."""
    return [
        (name, word)
        for name, content in dumped.items()
        for word in words
        if (word.encode() if isinstance(word, str) else word) in content
    ]
