"""Follows `/ws/encounters/{id}` and remembers each event with the moment it arrived."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake


@dataclass(frozen=True)
class Arrival:
    """One event envelope and when it came, by the watcher's clock."""

    event: dict[str, Any]
    at: float

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.event["type"])

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        data: dict[str, Any] = self.event["data"]
        return data


@dataclass
class Watcher:
    """Reconnects with the last `seq` seen, so no event is missed or seen twice."""

    url: str
    token: str
    clock: Callable[[], float] = time.monotonic
    on_event: Callable[[Arrival], None] = lambda arrival: None
    arrivals: list[Arrival] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self, encounter: str) -> None:
        """Run until cancelled."""
        headers = {"Authorization": f"Bearer {self.token}"}
        base = f"{self.url.replace('http', 'ws', 1)}/ws/encounters/{encounter}"
        while True:
            last = self.arrivals[-1].event["seq"] if self.arrivals else 0
            try:
                async with connect(f"{base}?after={last}", additional_headers=headers) as socket:
                    async for message in socket:
                        await self._take(Arrival(json.loads(message), self.clock()))
            except (ConnectionClosed, OSError, InvalidHandshake):
                pass
            await asyncio.sleep(0.25)

    async def until(self, type: str, seconds: float) -> Arrival:
        """The first event of that type, waiting for it. Raises `TimeoutError`."""
        async with asyncio.timeout(seconds), self._changed:
            while True:
                for arrival in self.arrivals:
                    if arrival.type == type:
                        return arrival
                await self._changed.wait()

    def of(self, *types: str) -> list[Arrival]:
        """Every event so far of those types."""
        return [arrival for arrival in self.arrivals if arrival.type in types]

    async def _take(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self.on_event(arrival)
        async with self._changed:
            self._changed.notify_all()
