"""Registered OAuth clients as MongoDB keeps them. Secrets as SHA-256 only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database

Method = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
"""How a client authenticates at the token endpoint. RFC 7591 section 2."""

Status = Literal["pending", "active", "disabled"]


@dataclass(frozen=True)
class HashedSecret:
    """The SHA-256 (hexadecimal) of a 256-bit random secret, valid until `expires`, if that is set.

    A slow hash would protect nothing: a secret of 256 random bits cannot be guessed.
    """

    hash: str
    created: datetime
    expires: datetime | None = None


@dataclass(frozen=True)
class Client:
    """A client. `scopes` is the most it may ever get; `owner` is who vouches for it.

    `registration_hash` is the SHA-256 of its registration access token (RFC 7592), if it has one.
    `revision` counts its changes, so that none is lost between two who change it at once.
    """

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    method: Method
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    owner: str
    created: datetime
    launch_url: str | None = None
    secrets: tuple[HashedSecret, ...] = ()
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    status: Status = "active"
    logo_uri: str | None = None
    client_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    registration_hash: str | None = None
    revision: int = 0


class ClientStore:
    """The `clients` collection; `_id` is the client id."""

    def __init__(self, database: Database) -> None:
        self._clients = database["clients"]

    async def find(self, id: str) -> Client | None:
        """The client of that id, whatever its status."""
        found = await self._clients.find_one({"_id": id})
        return None if found is None else _client(found)

    async def add(self, client: Client) -> None:
        """Store a new client. Raises `VersionConflict` when the id is taken."""
        try:
            await self._clients.insert_one(_document(client))
        except DuplicateKeyError:
            raise VersionConflict("A client of that id exists already.") from None

    async def replace(self, client: Client, session: AsyncClientSession | None = None) -> Client:
        """Store the client's new state and answer it, with its new `revision`.

        Raises `VersionConflict` when it was changed or removed since `client` was read.
        """
        as_read = {"_id": client.id, "revision": client.revision}
        newer = dataclasses.replace(client, revision=client.revision + 1)
        changed = await self._clients.replace_one(as_read, _document(newer), session=session)
        if changed.matched_count == 0:
            raise VersionConflict("The client was changed by somebody else: read it again.")
        return newer

    async def remove(self, id: str, session: AsyncClientSession | None = None) -> bool:
        """Forget a client. False when there is none."""
        removed = await self._clients.delete_one({"_id": id}, session=session)
        return removed.deleted_count == 1

    async def all(self) -> list[Client]:
        """Every client, in the order of their ids."""
        return [_client(found) async for found in self._clients.find().sort("_id", 1)]

    async def pending(self) -> int:
        """How many clients wait for an operator."""
        return await self._clients.count_documents({"status": "pending"})

    async def origins(self) -> set[str]:
        """Web origins from which active public clients call the token endpoint and FHIR (CORS)."""
        public = {"method": "none", "status": "active"}
        uris = await self._clients.distinct("redirect_uris", public)
        return {origin for uri in uris if (origin := origin_of(uri))}


def origin_of(uri: str) -> str | None:
    """The origin of a URI as browsers write it (RFC 6454 6.2); None of an application's scheme."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{host}{port}"


_TUPLES = ("redirect_uris", "scopes", "grants", "contacts")


def _document(client: Client) -> dict[str, Any]:
    document = {name: value for name, value in vars(client).items() if name != "id"}
    document |= {name: list(document[name]) for name in _TUPLES}
    document["secrets"] = [dict(vars(secret)) for secret in client.secrets]
    return {"_id": client.id, **document}


def _client(found: dict[str, Any]) -> Client:
    fields = {name: found[name] for name in Client.__dataclass_fields__ if name in found}
    fields |= {name: tuple(found[name]) for name in _TUPLES}
    fields["secrets"] = tuple(HashedSecret(**secret) for secret in found["secrets"])
    return Client(**{**fields, "id": found["_id"]})
