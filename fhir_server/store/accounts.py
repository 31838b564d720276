"""Accounts and tokens as MongoDB keeps them. Passwords as argon2id, tokens as SHA-256 only."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database
from fhir_server.store.directives import REVISION


@dataclass(frozen=True)
class Account:
    """Someone who may sign in. `reference` is the Practitioner behind the account.

    Who is `disabled` keeps the account, for the audit, and cannot sign in. Without a password hash
    nobody can either, until a password is set through a link. Who `must_change_password` sets
    another one before anything else.
    """

    username: str
    password_hash: str
    reference: str
    display: str
    roles: tuple[str, ...]
    scope: str
    email: str = ""
    disabled: bool = False
    created: datetime | None = None
    password_changed: datetime | None = None
    last_sign_in: datetime | None = None
    must_change_password: bool = False


@dataclass(frozen=True)
class Token:
    """An issued access token, known by its hash alone.

    `patient` is the one in context, `client` the application that holds it, `grant` the id of the
    authorization that it comes from. With `idle`, in seconds, it ends when it is not used for that
    long after `used`. `purpose` is a code of v3-ActReason. `address` and `agent` are what the
    person's browser was when it was issued. One that is `enrolling` is for setting up a second
    factor and for nothing else.
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
    idle: int = 0
    used: datetime | None = None
    purpose: str = ""
    address: str = ""
    agent: str = ""
    enrolling: bool = False

    def is_idle(self, now: datetime) -> bool:
        """Whether it has not been used for longer than it may."""
        last = self.used or self.issued
        return bool(self.idle) and last + timedelta(seconds=self.idle) <= now


@dataclass(frozen=True)
class Wanted:
    """Which accounts: `text` is part of the name to sign in with, the full name or the address."""

    text: str = ""
    role: str = ""
    status: Literal["", "active", "disabled"] = ""


class AccountStore:
    """The `accounts` collection; `_id` is the username in lower case."""

    def __init__(self, database: Database) -> None:
        self._accounts = database["accounts"]

    async def find(
        self, username: str, session: AsyncClientSession | None = None
    ) -> Account | None:
        """The account of that name, whatever its case."""
        found = await self._accounts.find_one({"_id": username.lower()}, session=session)
        return _account(found) if found is not None else None

    async def of_email(self, address: str) -> list[Account]:
        """Every account with that e-mail address, as `email_address` writes it."""
        return [_account(one) async for one in self._accounts.find({"email": address})]

    async def all(self) -> list[Account]:
        """Every account, by name."""
        return [_account(one) async for one in self._accounts.find().sort("_id", 1)]

    async def search(self, wanted: Wanted, *, after: str = "", count: int = 50) -> list[Account]:
        """At most `count` accounts by name, those that come after the name `after`."""
        query: dict[str, Any] = {"_id": {"$gt": after}} if after else {}
        if wanted.text:
            like = {"$regex": re.escape(wanted.text), "$options": "i"}
            query["$or"] = [{name: like} for name in ("_id", "display", "email")]
        if wanted.role:
            query["roles"] = wanted.role
        if wanted.status:
            query["disabled"] = True if wanted.status == "disabled" else {"$ne": True}
        found = self._accounts.find(query).sort("_id", 1).limit(count)
        return [_account(one) async for one in found]

    async def active(self, role: str, session: AsyncClientSession | None = None) -> int:
        """How many accounts that may sign in have a role."""
        query = {"roles": role, "disabled": {"$ne": True}}
        return await self._accounts.count_documents(query, session=session)

    async def add(self, account: Account, session: AsyncClientSession | None = None) -> None:
        """Store a new account. Raises `VersionConflict` when the name is taken."""
        document = {**asdict(account), "_id": account.username.lower()}
        del document["username"]
        try:
            await self._accounts.insert_one(
                {**document, "roles": list(account.roles)}, session=session
            )
        except DuplicateKeyError:
            raise VersionConflict("An account of that name exists already.") from None

    async def change(
        self, username: str, session: AsyncClientSession | None = None, **fields: Any
    ) -> bool:
        """Set fields of an `Account`. False when there is no such account."""
        unknown = set(fields) - set(Account.__dataclass_fields__)
        assert not unknown, unknown
        if "roles" in fields:
            fields["roles"] = list(fields["roles"])
        changed = await self._accounts.update_one(
            {"_id": username.lower()}, {"$set": fields}, session=session
        )
        return changed.matched_count == 1

    async def any(self) -> bool:
        """Whether there is at least one account."""
        return await self._accounts.find_one({}, {"_id": 1}) is not None


def _account(found: dict[str, Any]) -> Account:
    names = Account.__dataclass_fields__.keys() & found.keys()
    fields = {name: found[name] for name in names}
    return Account(**{**fields, "username": found["_id"], "roles": tuple(found["roles"])})


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
        return _token(found) if found is not None else None

    async def find_with_revision(self, hash: str) -> tuple[Token | None, int]:
        """The token, and how often directives of patients were written: both in one look."""
        cursor = self._tokens.find({"_id": {"$in": [hash, REVISION]}}, limit=2)
        found = {one["_id"]: one for one in await cursor.to_list()}
        revision = found.pop(REVISION, {}).get("revision", 0)
        return _token(found[hash]) if hash in found else None, int(revision)

    async def touch(self, hash: str, now: datetime) -> None:
        """Note that a token was used."""
        await self._tokens.update_one({"_id": hash}, {"$set": {"used": now}})

    async def enrolled(self, hash: str) -> None:
        """Make a token that was for setting up a second factor one for everything."""
        await self._tokens.update_one({"_id": hash}, {"$set": {"enrolling": False}})

    async def of_subject(self, subject: str) -> list[Token]:
        """Every token of an account, newest first."""
        found = self._tokens.find({"subject": subject}).sort("issued", -1)
        return [_token(one) async for one in found]

    async def remove(self, hash: str, session: AsyncClientSession | None = None) -> None:
        """Revoke a token, at once and for every process."""
        await self._tokens.delete_one({"_id": hash}, session=session)

    async def remove_others(self, subject: str, hash: str) -> None:
        """Revoke every token of an account but one."""
        await self._tokens.delete_many({"subject": subject, "_id": {"$ne": hash}})

    async def remove_subject(self, subject: str) -> None:
        """Revoke every token of an account."""
        await self._tokens.delete_many({"subject": subject})


def _token(found: dict[str, Any]) -> Token:
    fields = {name: found[name] for name in Token.__dataclass_fields__ if name in found}
    return Token(**{**fields, "hash": found["_id"], "roles": tuple(found["roles"])})
