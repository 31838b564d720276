"""Second factors in MongoDB: seeds of authenticator apps and hashes of recovery codes.

    second_factors  {_id: user name, pending, seed, step, recovery: [SHA-256]}
    continuations   {_id: SHA-256, subject, expires}, sign-ins that wait for a second factor

A time step and a recovery code are each spent by one atomic update: of any number of parallel uses
exactly one succeeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed

_FACTORS = "second_factors"


@dataclass(frozen=True)
class SecondFactors:
    """What an account has. `seed` is base32, empty for none; `pending` awaits its first code."""

    seed: str = ""
    pending: str = ""
    step: int = 0
    recovery: tuple[str, ...] = ()


class SecondFactorStore:
    """Both collections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._factors = database["second_factors"]
        self._continuations = database["continuations"]

    async def find(self, username: str) -> SecondFactors:
        """What the account has, or nothing at all."""
        stored = await self._factors.find_one({"_id": username.lower()})
        if stored is None:
            return SecondFactors()
        (found,) = await opened(self._database, _FACTORS, [stored])
        return SecondFactors(
            seed=found.get("seed", ""),
            pending=found.get("pending", ""),
            step=found.get("step", 0),
            recovery=tuple(found.get("recovery", ())),
        )

    async def offer(self, username: str, seed: str) -> None:
        """Keep a seed until its first code proves that the person has it."""
        id = username.lower()
        (closed,) = await sealed(self._database, _FACTORS, [{"_id": id, "pending": seed}])
        change = {"$set": {"pending": closed["pending"]}}
        await self._factors.update_one({"_id": id}, change, upsert=True)

    async def accept(self, username: str, seed: str, step: int, recovery: list[str]) -> bool:
        """Make the offered seed the one that counts; False when it is not offered any more."""
        id = username.lower()
        stored = await self._factors.find_one({"_id": id})
        if stored is None:
            return False
        (found,) = await opened(self._database, _FACTORS, [stored])
        if found.get("pending") != seed:
            return False
        (closed,) = await sealed(self._database, _FACTORS, [{"_id": id, "seed": seed}])
        # What was offered is compared as it is stored: encrypted, it cannot be looked for.
        changed = await self._factors.update_one(
            {"_id": id, "pending": stored["pending"]},
            {
                "$set": {"seed": closed["seed"], "step": step, "recovery": recovery},
                "$unset": {"pending": ""},
            },
        )
        return changed.matched_count == 1

    async def spend_step(self, username: str, step: int) -> bool:
        """Whether this time step, and no later one, is used for the first time."""
        changed = await self._factors.update_one(
            {"_id": username.lower(), "step": {"$lt": step}}, {"$set": {"step": step}}
        )
        return changed.matched_count == 1

    async def spend_recovery(self, username: str, hash: str) -> bool:
        """Whether there was such a code; it is gone then."""
        changed = await self._factors.update_one(
            {"_id": username.lower(), "recovery": hash}, {"$pull": {"recovery": hash}}
        )
        return changed.matched_count == 1

    async def renew_recovery(self, username: str, hashes: list[str]) -> None:
        """Replace the recovery codes."""
        await self._factors.update_one(
            {"_id": username.lower()}, {"$set": {"recovery": hashes}}, upsert=True
        )

    async def remove(self, username: str, session: AsyncClientSession | None = None) -> None:
        """Forget all of an account."""
        await self._factors.delete_one({"_id": username.lower()}, session=session)

    async def wait(self, hash: str, subject: str, expires: datetime) -> None:
        """Note that somebody gave the right password and owes a second factor."""
        await self._continuations.insert_one({"_id": hash, "subject": subject, "expires": expires})

    async def waiting(self, hash: str, now: datetime) -> str | None:
        """Who that is, until it expires."""
        found = await self._continuations.find_one({"_id": hash, "expires": {"$gt": now}})
        return str(found["subject"]) if found else None

    async def end_waiting(self, username: str) -> None:
        """Forget sign-ins of the account that wait for a second factor."""
        await self._continuations.delete_many({"subject": username})

    async def finish(self, hash: str) -> bool:
        """Whether this continuation is used for the first time."""
        return (await self._continuations.delete_one({"_id": hash})).deleted_count == 1
