"""Which person at an OpenID provider is which account, and sign-ins on their way there and back.

provider_links     {_id: "issuer subject", issuer, person, subject, linked}
provider_sign_ins  {_id: SHA-256 of state, binding, nonce, verifier, redirect_uri, subject, expires}
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database


@dataclass(frozen=True)
class Link:
    """`person` at `issuer` is the account `subject`."""

    issuer: str
    person: str
    subject: str
    linked: datetime


@dataclass(frozen=True)
class PendingSignIn:
    """Somebody who was sent to the provider. `subject` is who links an account, empty to sign in.

    `state` and `binding` are hashes: the first came back by the address, the second stayed in the
    browser's tab.
    """

    state: str
    binding: str
    nonce: str
    verifier: str
    redirect_uri: str
    subject: str
    expires: datetime


class ProviderLinkStore:
    """Both collections."""

    def __init__(self, database: Database) -> None:
        self._links = database["provider_links"]
        self._pending = database["provider_sign_ins"]

    async def find(self, issuer: str, person: str) -> Link | None:
        """Whose account it is."""
        found = await self._links.find_one({"_id": _name(issuer, person)})
        return _link(found) if found is not None else None

    async def of_subject(self, subject: str) -> list[Link]:
        """Every link of an account."""
        return [_link(one) async for one in self._links.find({"subject": subject})]

    async def add(self, link: Link) -> None:
        """Keep a link. Raises `VersionConflict` when the person is linked to another account."""
        document = {"_id": _name(link.issuer, link.person), **asdict(link)}
        try:
            await self._links.insert_one(document)
        except DuplicateKeyError:
            found = await self.find(link.issuer, link.person)
            if found is None or found.subject != link.subject:
                raise VersionConflict("This person is linked to an account already.") from None

    async def remove(self, subject: str) -> bool:
        """Forget every link of an account. False when there is none."""
        return (await self._links.delete_many({"subject": subject})).deleted_count > 0

    async def begin(self, pending: PendingSignIn) -> None:
        """Note that somebody goes to the provider."""
        document: dict[str, Any] = {**asdict(pending), "_id": pending.state}
        del document["state"]
        await self._pending.insert_one(document)

    async def take(self, state: str, now: datetime) -> PendingSignIn | None:
        """Who came back; this once, and until it expires."""
        found = await self._pending.find_one_and_delete({"_id": state})
        if found is None or found["expires"] <= now:
            return None
        found["state"] = found.pop("_id")
        return PendingSignIn(**found)


def _name(issuer: str, person: str) -> str:
    # An issuer is an address and has no space, so no two pairs share a name.
    return f"{issuer} {person}"


def _link(found: dict[str, Any]) -> Link:
    return Link(**{name: found[name] for name in Link.__dataclass_fields__})
