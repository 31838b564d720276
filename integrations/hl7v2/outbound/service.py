"""All of outbound in one process: planner, senders and watch, each under its lease."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fhir_server.clock import Clock
from fhir_server.interactions.context import Server
from integrations.hl7v2.outbound.leading import Leader
from integrations.hl7v2.outbound.origin import Senders
from integrations.hl7v2.outbound.planner import Planner, Target
from integrations.hl7v2.outbound.release import Release
from integrations.hl7v2.outbound.sender import Sender
from integrations.hl7v2.outbound.settings import OutboundMessageSettings
from integrations.hl7v2.outbound.tables import load_tables
from integrations.hl7v2.outbound.watching import Watch
from integrations.hl7v2.store.leases import Leases
from integrations.hl7v2.store.outbound_indexes import prepare_outbound

_LOOK_SECONDS = 0.2
"""Between two looks at the events when there are none."""


class Outbound:
    """Sends what FHIR changes lead to, for as long as `run` runs."""

    def __init__(
        self,
        server: Server,
        settings: OutboundMessageSettings,
        targets: tuple[Target, ...],
        senders: Senders,
        *,
        base: str,
        clock: Clock,
        owner: str,
    ) -> None:
        store = server.store
        self._planner = Planner(store, targets, senders, clock=clock)
        keep = timedelta(days=settings.retention_days)
        self._senders = {
            one.name: Sender(
                one,
                store.database,
                Release(server, one, base=base, clock=clock, keep=keep),
                clock=clock,
                keep=keep,
            )
            for one in settings.destinations
        }
        self._watch = Watch(store.database, settings.destinations, clock=clock)
        self._leases = Leases(store.database)
        self._clock = clock
        self._owner = owner

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until `stopped`; outages of database and destinations are waited out."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._leader("plan").run(self._plan, stopped))
            group.create_task(self._leader("watch").run(self._watch.look, stopped))
            for name, sender in self._senders.items():
                group.create_task(self._leader(f"send/{name}").run(sender.step, stopped))

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(one.aclose() for one in self._senders.values()))

    async def _plan(self) -> float:
        return 0.0 if await self._planner.plan() else _LOOK_SECONDS

    def _leader(self, name: str) -> Leader:
        return Leader(self._leases, name, self._owner, clock=self._clock)


async def open_outbound(
    server: Server,
    settings: OutboundMessageSettings,
    senders: Senders,
    *,
    base: str = "",
    clock: Clock,
    owner: str,
) -> Outbound:
    """Outbound with each destination's tables. Raises `UnusableMapping`.

    `senders` tells who sent the stored message of a URN; `base` is the server's FHIR address
    without a slash; `owner` is unique to this process.
    """

    def targets() -> tuple[Target, ...]:
        return tuple(Target(one, load_tables(one.mapping)) for one in settings.destinations)

    await prepare_outbound(server.store.database)
    made = await asyncio.to_thread(targets)
    return Outbound(server, settings, made, senders, base=base, clock=clock, owner=owner)
