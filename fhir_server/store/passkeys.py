"""Passkeys in MongoDB.

    passkeys            {_id: credential id, subject, public_key, count, name, ...}
    passkey_handles     {_id: user name, handle}, by which an authenticator knows the account
    passkey_challenges  {_id: SHA-256, ceremony, subject, expires}

A challenge is spent, and a counter moved on, by one atomic update: of any number of parallel uses
exactly one succeeds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database


@dataclass(frozen=True)
class Passkey:
    """A registered credential. `id` is base64url, `public_key` a COSE key (RFC 9052).

    `synced` says that it may be kept by more than one device (WebAuthn's backup eligibility).
    """

    id: str
    subject: str
    public_key: bytes
    count: int
    name: str
    created: datetime
    used: datetime | None = None
    synced: bool = False
    transports: tuple[str, ...] = ()


class PasskeyStore:
    """The three collections."""

    def __init__(self, database: Database) -> None:
        self._passkeys = database["passkeys"]
        self._handles = database["passkey_handles"]
        self._challenges = database["passkey_challenges"]

    async def find(self, id: str) -> Passkey | None:
        """The passkey of that credential id."""
        found = await self._passkeys.find_one({"_id": id})
        return _passkey(found) if found is not None else None

    async def of_subject(self, subject: str) -> list[Passkey]:
        """Every passkey of an account, oldest first."""
        found = self._passkeys.find({"subject": subject}).sort("created", 1)
        return [_passkey(one) async for one in found]

    async def add(self, passkey: Passkey) -> None:
        """Keep a new one. Raises `VersionConflict` when the credential is registered already."""
        document: dict[str, Any] = {**asdict(passkey), "_id": passkey.id}
        del document["id"]
        try:
            await self._passkeys.insert_one({**document, "transports": list(passkey.transports)})
        except DuplicateKeyError:
            raise VersionConflict("This passkey is registered already.") from None

    async def rename(self, subject: str, id: str, name: str) -> bool:
        """Give it another name. False when the account has no such passkey."""
        found = {"_id": id, "subject": subject}
        return (await self._passkeys.update_one(found, {"$set": {"name": name}})).matched_count == 1

    async def advance(self, id: str, count: int, now: datetime) -> bool:
        """Note a use. False when the counter did not grow: WebAuthn level 3, 6.1.1.

        Authenticators that do not count always say 0.
        """
        behind: dict[str, Any] = {"count": {"$lt": count}} if count else {"count": 0}
        changed = await self._passkeys.update_one(
            {"_id": id, **behind}, {"$set": {"count": count, "used": now}}
        )
        return changed.matched_count == 1

    async def remove_all(self, subject: str, session: AsyncClientSession | None = None) -> None:
        """Forget every passkey of an account."""
        await self._passkeys.delete_many({"subject": subject}, session=session)

    async def handle(self, subject: str, fresh: bytes) -> bytes:
        """The account's user handle; `fresh` becomes it when there is none."""
        await self._handles.update_one(
            {"_id": subject}, {"$setOnInsert": {"handle": fresh}}, upsert=True
        )
        found = await self._handles.find_one({"_id": subject})
        assert found is not None, "nobody removes one"
        return bytes(found["handle"])

    async def challenge(self, hash: str, ceremony: str, subject: str, expires: datetime) -> None:
        """Note a challenge that was given out for one ceremony, to an account if that is known."""
        await self._challenges.insert_one(
            {"_id": hash, "ceremony": ceremony, "subject": subject, "expires": expires}
        )

    async def spend(self, hash: str, ceremony: str, subject: str, now: datetime) -> bool:
        """Whether it was given out for just that, has not expired, and is used for the first time.

        It is gone afterwards.
        """
        found = await self._challenges.find_one_and_delete({"_id": hash})
        return (
            found is not None
            and found["ceremony"] == ceremony
            and found["subject"] == subject
            and found["expires"] > now
        )


def _passkey(found: dict[str, Any]) -> Passkey:
    fields = {name: found[name] for name in Passkey.__dataclass_fields__ if name in found}
    fields |= {"id": found["_id"], "transports": tuple(found["transports"])}
    return Passkey(**{**fields, "public_key": bytes(found["public_key"])})
