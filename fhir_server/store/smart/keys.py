"""The keys that id_tokens are signed with, as MongoDB keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed


@dataclass(frozen=True)
class StoredKey:
    """One key. `private` is its private JWK, sealed or as JSON text; `public` may be published.

    It signs from `active` on, until the key with the next `number` does.
    """

    number: int
    kid: str
    public: dict[str, Any]
    private: str
    active: datetime


class SigningKeyStore:
    """The `signing_keys` collection; `_id` is the key's number, so of two rotations one wins."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = database["signing_keys"]

    async def all(self) -> list[StoredKey]:
        """Every key, oldest first."""
        found = await self._keys.find().sort("_id", 1).to_list()
        return [_key(one) for one in await opened(self._database, "signing_keys", found)]

    async def add(self, key: StoredKey) -> bool:
        """Store a key. False when another process was quicker with that number."""
        document = {"_id": key.number, **vars(key)}
        del document["number"]
        (closed,) = await sealed(self._database, "signing_keys", [document])
        try:
            await self._keys.insert_one(closed)
        except DuplicateKeyError:
            return False
        return True

    async def remove_before(self, number: int) -> None:
        """Forget the keys older than `number`."""
        await self._keys.delete_many({"_id": {"$lt": number}})


def _key(found: dict[str, Any]) -> StoredKey:
    fields = {name: found[name] for name in StoredKey.__dataclass_fields__ if name != "number"}
    return StoredKey(number=found["_id"], **fields)
