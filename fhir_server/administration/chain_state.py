"""How the chain of the audit trail is: its head, what waits, what the last check found.

A check reads every event, so it runs in the background, one at a time in a process.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog

from fhir_server.audit.chain import Finding, verify
from fhir_server.clock import Clock
from fhir_server.store.audit_chain import AuditChain, AuditWitness, Block
from fhir_server.store.audit_checks import AuditCheck, AuditCheckStore

SHOWN = 20
"""Findings that are kept; their number is kept in full."""

_log = structlog.get_logger("aimed.audit")


@dataclass(frozen=True)
class State:
    """`waiting` is whether some event is in no block yet."""

    blocks: int
    head: Block | None
    waiting: bool
    running: bool
    check: AuditCheck | None


class ChainState:
    """Tells the state and checks. `key` is that of the chain, maybe empty."""

    def __init__(
        self, chain: AuditChain, checks: AuditCheckStore, *, clock: Clock, key: bytes
    ) -> None:
        self._chain = chain
        self._checks = checks
        self._clock = clock
        self._key = key
        self._task: asyncio.Task[None] | None = None

    async def state(self) -> State:
        """As it is now."""
        return State(
            blocks=await self._chain.count(),
            head=await self._chain.last(),
            waiting=bool(await self._chain.pending(AuditWitness(self._key))),
            running=self._task is not None and not self._task.done(),
            check=await self._checks.last(),
        )

    def start(self) -> None:
        """Begin a check unless one is running."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def check(self) -> AuditCheck:
        """Check everything and keep the result."""
        began = self._clock()
        events, faults, block, hash = 0, 0, 0, ""
        findings: list[tuple[str, str]] = []
        async for one in verify(self._chain, self._key):
            if isinstance(one, Finding):
                faults += 1
                findings.append((one.place, one.text))
            else:
                events += len(one.entries)
                block, hash = one.number, one.hash
        found = AuditCheck(
            began, self._clock(), events, faults, block, hash, tuple(findings[:SHOWN])
        )
        await self._checks.keep(found)
        return found

    async def aclose(self) -> None:
        """Give up a check that is running."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            await self.check()
        except Exception as error:  # the page shows the check before this one
            _log.warning("check of the audit trail failed", fault=type(error).__name__)
