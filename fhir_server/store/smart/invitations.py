"""Invitations to register a client: initial access tokens, RFC 7591 section 3. SHA-256 only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.store.connection import Database


@dataclass(frozen=True)
class Invitation:
    """One registration that `owner` answers for, with at most `scopes`."""

    hash: str
    owner: str
    scopes: tuple[str, ...]
    expires: datetime


class InvitationStore:
    """The `invitations` collection; `_id` is the hash. MongoDB removes expired ones by itself."""

    def __init__(self, database: Database) -> None:
        self._invitations = database["invitations"]

    async def add(self, invitation: Invitation, session: AsyncClientSession | None = None) -> None:
        """Store a new invitation."""
        document = {**vars(invitation), "_id": invitation.hash}
        del document["hash"]
        await self._invitations.insert_one(
            {**document, "scopes": list(invitation.scopes)}, session=session
        )

    async def find(self, hash: str) -> Invitation | None:
        """The invitation of that hash, expired or not."""
        return _invitation(await self._invitations.find_one({"_id": hash}))

    async def take(self, hash: str) -> Invitation | None:
        """The invitation, which is used up by this: of many takers one gets it."""
        return _invitation(await self._invitations.find_one_and_delete({"_id": hash}))

    async def open(self, now: datetime) -> list[Invitation]:
        """Those that can still be used, the first to expire first."""
        found = self._invitations.find({"expires": {"$gt": now}}).sort("expires", 1)
        made = [_invitation(one) async for one in found]
        return [one for one in made if one is not None]

    async def remove(self, hash: str, session: AsyncClientSession | None = None) -> bool:
        """Withdraw an invitation. False when it is gone already."""
        gone = await self._invitations.delete_one({"_id": hash}, session=session)
        return gone.deleted_count == 1


def _invitation(found: dict[str, object] | None) -> Invitation | None:
    if found is None:
        return None
    owner, scopes, expires = found["owner"], found["scopes"], found["expires"]
    assert isinstance(owner, str)
    assert isinstance(scopes, list)
    assert isinstance(expires, datetime)
    return Invitation(str(found["_id"]), owner, tuple(scopes), expires)
