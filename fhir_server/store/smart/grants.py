"""Authorizations in MongoDB: requests, grants, codes, refresh tokens, launches.

Codes, refresh tokens and launches are known by their SHA-256 alone, and each is used by one atomic
update: of any number of parallel uses exactly one succeeds. MongoDB removes what has expired.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.store.connection import Database


@dataclass(frozen=True)
class Launch:
    """What the EHR has open when it starts an application. `hash` is of the launch value."""

    hash: str
    client: str
    subject: str
    expires: datetime
    context: dict[str, Any] = field(default_factory=dict)
    used: bool = False


@dataclass(frozen=True)
class Pending:
    """A checked authorization request. `launch` is the context of an EHR launch.

    Who answers it has signed in at `signed_in_since` or later, if that is set.
    """

    id: str
    client: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str
    expires: datetime
    nonce: str | None = None
    launch: dict[str, Any] | None = None
    subject: str | None = None
    used: bool = False
    signed_in_since: datetime | None = None


@dataclass(frozen=True)
class Grant:
    """What a person has permitted, or a backend client's registration. Gone once revoked.

    `auth_time` is when the person signed in.
    """

    id: str
    client: str
    subject: str
    reference: str
    display: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    patient: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    nonce: str | None = None
    session: str = ""
    auth_time: datetime | None = None


@dataclass(frozen=True)
class Code:
    """An authorization code, with what its exchange has to prove."""

    hash: str
    grant: str
    client: str
    redirect_uri: str
    challenge: str
    expires: datetime
    used: bool = False


@dataclass(frozen=True)
class RefreshToken:
    """One refresh token of a grant; the next use of a used one ends the grant."""

    hash: str
    grant: str
    client: str
    scopes: tuple[str, ...]
    expires: datetime
    used: bool = False


Record = TypeVar("Record", Launch, Pending, Grant, Code, RefreshToken)

_COLLECTIONS: dict[type, str] = {
    Launch: "oauth_launches",
    Pending: "oauth_requests",
    Grant: "oauth_grants",
    Code: "oauth_codes",
    RefreshToken: "oauth_refresh_tokens",
}
_ISSUED = ("oauth_refresh_tokens", "tokens")


class GrantStore:
    """All collections of authorizations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: Launch | Pending | Grant | Code | RefreshToken) -> None:
        """Store a new record."""
        document = asdict(record)
        document["_id"] = document.pop(_key(type(record)))
        await self._database[_COLLECTIONS[type(record)]].insert_one(document)

    async def find(self, kind: type[Record], key: str) -> Record | None:
        """The record of that id or hash, used and expired ones included."""
        return _record(kind, await self._database[_COLLECTIONS[kind]].find_one({"_id": key}))

    async def use(self, kind: type[Record], key: str) -> Record | None:
        """The record, for the one caller who uses it first; None for all others."""
        found = await self._database[_COLLECTIONS[kind]].find_one_and_update(
            {"_id": key, "used": False},
            {"$set": {"used": True}},
            return_document=ReturnDocument.AFTER,
        )
        return _record(kind, found)

    async def claim(self, request: str, subject: str) -> bool:
        """Bind a pending request to the person who looks at it; False when it is another's."""
        changed = await self._database["oauth_requests"].update_one(
            {"_id": request, "used": False, "subject": {"$in": [None, subject]}},
            {"$set": {"subject": subject}},
        )
        return changed.matched_count == 1

    async def of_subject(self, subject: str) -> list[Grant]:
        """Every grant of a person, newest first."""
        found = self._database["oauth_grants"].find({"subject": subject}).sort("created", -1)
        made = [_record(Grant, one) async for one in found]
        return [one for one in made if one is not None]

    async def end(self, grant: str) -> None:
        """Revoke a grant with every token that came of it, at once and for every process."""
        issued = {name: {"grant": grant} for name in _ISSUED}
        await self._remove({"oauth_grants": {"_id": grant}, **issued})

    async def end_client(self, client: str) -> None:
        """Revoke every grant of a client with all its tokens."""
        await self._remove({name: {"client": client} for name in ("oauth_grants", *_ISSUED)})

    async def end_subject(self, subject: str) -> None:
        """Revoke every grant and token of a person, sign-ins too."""
        grants = [one.id for one in await self.of_subject(subject)]
        await self._remove(
            {
                "oauth_grants": {"subject": subject},
                "oauth_refresh_tokens": {"grant": {"$in": grants}},
                "tokens": {"subject": subject},
            }
        )

    async def _remove(self, queries: dict[str, dict[str, Any]]) -> None:
        """All or nothing: whoever is killed half-way leaves no token of a grant that is gone."""

        async def body(session: AsyncClientSession) -> None:
            for name, query in queries.items():
                await self._database[name].delete_many(query, session=session)

        async with self._database.client.start_session() as session:
            await session.with_transaction(body)


def _key(kind: type) -> str:
    return "id" if kind in (Pending, Grant) else "hash"


def _record(kind: type[Record], found: dict[str, Any] | None) -> Record | None:
    if found is None:
        return None
    values = {**found, _key(kind): found["_id"]}
    for one in fields(kind):
        if isinstance(values.get(one.name), list) and one.name in ("scopes", "roles"):
            values[one.name] = tuple(values[one.name])
    return kind(**{one.name: values[one.name] for one in fields(kind) if one.name in values})
