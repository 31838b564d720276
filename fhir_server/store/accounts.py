"""Accounts and tokens as MongoDB keeps them. Passwords as argon2id, tokens as SHA-256 only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database


@dataclass(frozen=True)
class Account:
    """Someone who may sign in. `reference` is the Practitioner behind the account."""

    username: str
    password_hash: str
    reference: str
    display: str
    roles: tuple[str, ...]
    scope: str


@dataclass(frozen=True)
class Token:
    """An issued access token, known by its hash alone.

    `patient` is the one in context, `client` the application that holds it, `grant` the id of the
    authorization that it comes from.
    """

    hash: str
    subject: str
    reference: str
    display: str
    roles: tuple[str, ...]
    scope: str
    issued: datetime
    expires: datetime
    patient: str | None = None
    client: str = ""
    grant: str = ""


class AccountStore:
    """The `accounts` collection; `_id` is the username in lower case."""

    def __init__(self, database: Database) -> None:
        self._accounts = database["accounts"]

    async def find(self, username: str) -> Account | None:
        """The account of that name, whatever its case."""
        found = await self._accounts.find_one({"_id": username.lower()})
        if found is None:
            return None
        return Account(
            username=found["_id"],
            password_hash=found["password_hash"],
            reference=found["reference"],
            display=found["display"],
            roles=tuple(found["roles"]),
            scope=found["scope"],
        )

    async def add(self, account: Account) -> None:
        """Store a new account. Raises `VersionConflict` when the name is taken."""
        try:
            await self._accounts.insert_one(
                {
                    "_id": account.username.lower(),
                    "password_hash": account.password_hash,
                    "reference": account.reference,
                    "display": account.display,
                    "roles": list(account.roles),
                    "scope": account.scope,
                }
            )
        except DuplicateKeyError:
            raise VersionConflict("An account of that name exists already.") from None

    async def set_password(self, username: str, password_hash: str) -> bool:
        """Replace the hash. False when there is no such account."""
        changed = await self._accounts.update_one(
            {"_id": username.lower()}, {"$set": {"password_hash": password_hash}}
        )
        return changed.matched_count == 1

    async def any(self) -> bool:
        """Whether there is at least one account."""
        return await self._accounts.find_one({}, {"_id": 1}) is not None


class TokenStore:
    """The `tokens` collection; `_id` is the hash. MongoDB removes expired ones by itself."""

    def __init__(self, database: Database) -> None:
        self._tokens = database["tokens"]

    async def add(self, token: Token) -> None:
        """Store an issued token."""
        document = {**vars(token), "roles": list(token.roles), "_id": token.hash}
        del document["hash"]
        await self._tokens.insert_one(document)

    async def find(self, hash: str) -> Token | None:
        """The token of that hash, expired or not."""
        found = await self._tokens.find_one({"_id": hash})
        if found is None:
            return None
        fields = {name: found[name] for name in Token.__dataclass_fields__ if name in found}
        return Token(**{**fields, "hash": hash, "roles": tuple(found["roles"])})

    async def remove(self, hash: str) -> None:
        """Revoke a token, at once and for every process."""
        await self._tokens.delete_one({"_id": hash})

    async def remove_subject(self, subject: str) -> None:
        """Revoke every token of an account."""
        await self._tokens.delete_many({"subject": subject})
