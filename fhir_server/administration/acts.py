"""An act of administration: one transaction with its AuditEvent in it.

What was done and the record of it are stored together or not at all; a refusal is recorded too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlencode

from fhir_server.audit import Access, AuditTrail
from fhir_server.auth.caller import SYSTEM, Caller
from fhir_server.errors import FhirError
from fhir_server.store import MongoStore, UnitOfWork
from fhir_server.store.locks import Overtaken

Result = TypeVar("Result")
_ATTEMPTS = 20


@dataclass(frozen=True)
class Actor:
    """Who acts, in which request, from where."""

    caller: Caller
    request_id: str | None = None
    address: str | None = None


OPERATOR = Actor(SYSTEM)
"""Whoever may use the command line of the machine."""


@dataclass(frozen=True)
class Act:
    """What is to be done: `name` as in the address of its route, `about` what, `details` how.

    `interaction` names a row of the audit's patterns, `entities` are literal references.
    """

    name: str
    interaction: str
    about: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()

    def access(self, outcome: int = 200) -> Access:
        """What the audit says of it."""
        query = f"{self.name}?{urlencode(self.details)}" if self.details else self.name
        return Access(self.interaction, outcome, entities=self.about, query=query)


class Acts:
    """Does acts and records them."""

    def __init__(self, store: MongoStore, audit: AuditTrail) -> None:
        self._store = store
        self._audit = audit

    async def do(
        self, actor: Actor, act: Act, body: Callable[[UnitOfWork], Awaitable[Result]]
    ) -> Result:
        """Run `body` in a transaction. It may run more than once and acts only in its unit."""

        async def work(unit: UnitOfWork) -> Result:
            result = await body(unit)
            await self._audit.record(actor.caller, _by(actor, act.access()), unit)
            return result

        try:
            for _ in range(_ATTEMPTS - 1):
                with suppress(Overtaken):
                    return await self._store.transact(work)
            return await self._store.transact(work)
        except FhirError as error:
            await self.refused(actor, act, error)
            raise

    async def look(self, actor: Actor, act: Act, found: Awaitable[Result]) -> Result:
        """What is found, recorded; and that it was not, too."""
        try:
            result = await found
        except FhirError as error:
            await self.refused(actor, act, error)
            raise
        await self.note(actor, act)
        return result

    async def refused(self, actor: Actor, act: Act, error: FhirError) -> None:
        """Record that an act was not done, once."""
        if not error.audited:
            error.audited = True
            await self.note(actor, act, error.status)

    async def note(self, actor: Actor, act: Act, outcome: int = 200) -> None:
        """Record what changes nothing, such as looking at a list."""
        await self._audit.record(actor.caller, _by(actor, act.access(outcome)))


def _by(actor: Actor, access: Access) -> Access:
    return replace(access, request_id=actor.request_id, address=actor.address)
