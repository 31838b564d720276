"""The MLLP listeners of one process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fhir_server.clock import Clock
from integrations.hl7v2.intake import Intake
from integrations.hl7v2.mllp.admissions import Admissions, Recorder
from integrations.hl7v2.mllp.listener import Listener
from integrations.hl7v2.settings import Hl7v2Settings


class MllpServer:
    """Use as an async context manager, or `start` and `stop`.

    `record` is told who connected and who was refused, a bounded number of times.
    """

    def __init__(
        self,
        intake: Intake,
        settings: Hl7v2Settings,
        *,
        record: Recorder,
        clock: Clock,
    ) -> None:
        self._admissions = Admissions(record, clock)
        self._listeners = [
            Listener(intake, settings, one, self._admissions) for one in settings.listeners
        ]

    async def start(self) -> None:
        """Listen everywhere. Raises `OSError` when an address or a certificate cannot be used."""
        try:
            for one in self._listeners:
                await one.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Listen no more, answer what has begun to come, and close."""
        await asyncio.gather(*(one.stop() for one in self._listeners))
        await self._admissions.aclose()

    async def __aenter__(self) -> MllpServer:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def addresses(self) -> Sequence[tuple[str, str, int]]:
        """Name, host and port of each listener."""
        return [(one.settings.name, one.settings.host, one.port) for one in self._listeners]

    @property
    def connections(self) -> int:
        """How many there are now."""
        return sum(one.connections for one in self._listeners)
