"""A converted message becomes part of the record: one transaction, its effects and its audit event.

Nothing of it is durable before all of it is: who is killed in between does the message again and
ends where it would have ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fhir_server.audit import Access
from fhir_server.auth.caller import SYSTEM, Caller
from fhir_server.auth.directives import Directives
from fhir_server.interactions.context import Context, Server
from fhir_server.store import UnitOfWork
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.store import ledgers
from integrations.hl7v2.writing.outcome import Applied
from integrations.hl7v2.writing.repointing import Repointing
from integrations.hl7v2.writing.source import MessageSource, sender_of
from integrations.hl7v2.writing.upsert import Rules, apply

Consequence = Callable[[UnitOfWork, Conversion, Applied], Awaitable[None]]
"""What else follows from a message, in its transaction. It may run more than once."""


class Importing:
    """Writes conversions. `prepare` first; `base` is the server's FHIR address without a slash."""

    def __init__(
        self,
        server: Server,
        *,
        base: str = "",
        authority: str = "",
        consequences: Sequence[Consequence] = (),
    ) -> None:
        self._server = server
        self._base = base
        self._rules = Rules(authority, server.settings.required_profiles)
        self._consequences = tuple(consequences)
        self._directives: Directives | None = None

    async def prepare(self) -> None:
        """Create collections, and finish what an earlier process left of merges."""
        await ledgers.prepare(self._server.store.database)
        await self.finish_moves()

    async def finish_moves(self) -> int:
        """Move the references of large merges; returns how many resources were changed."""
        return await Repointing(await self._context(SYSTEM)).finish()

    async def write(self, conversion: Conversion, source: MessageSource) -> Applied:
        """Write one message. Raises `InvalidResource` and the store's errors; then nothing is."""
        context = await self._context(_feed(conversion))

        async def body(unit: UnitOfWork) -> Applied:
            applied = await apply(unit, conversion, source, self._rules)
            for consequence in self._consequences:
                await consequence(unit, conversion, applied)
            changed = tuple(dict.fromkeys(one.reference for one in applied.changed()))
            if changed:
                patient = next((one.patient for one in applied.written if one.patient), None)
                access = Access("import", entities=changed, patient=patient)
                await context.within(unit).audit(access)
            return applied

        return await context.transact(body)

    async def _context(self, caller: Caller) -> Context:
        # A feed reads nothing for anybody, so directives decide nothing here: looked up once.
        if self._directives is None:
            self._directives = await self._server.directives.current()
        return Context(self._server, caller, self._base, self._directives)


def _feed(conversion: Conversion) -> Caller:
    """The sender, as the application that the audit trail names."""
    return Caller(SYSTEM.reference, SYSTEM.display, SYSTEM.scope, client=sender_of(conversion))
