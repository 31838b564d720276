"""Warnings in the log: a queue that grows, a message that waits, a destination that is silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from fhir_server.clock import Clock
from fhir_server.store.connection import Database
from integrations.hl7v2.outbound.figures import DestinationFigures, destination_figures
from integrations.hl7v2.outbound.settings import DestinationSettings, WarningSettings

WATCH_SECONDS = 30.0
_AGAIN = timedelta(hours=1)
_log = structlog.get_logger("aimed.hl7v2.outbound")


class Watch:
    """Warns when something begins, once an hour while it goes on, and tells when it is over."""

    def __init__(
        self, database: Database, destinations: Sequence[DestinationSettings], *, clock: Clock
    ) -> None:
        self._database = database
        self._destinations = destinations
        self._clock = clock
        self._since = clock()
        self._told: dict[tuple[str, str], datetime] = {}

    async def look(self) -> float:
        """Look at every destination. Seconds until the next look."""
        now = self._clock()
        figures = await destination_figures(self._database, self._destinations)
        for settings, one in zip(self._destinations, figures, strict=True):
            faults = destination_faults(one, settings.warn, now, self._since)
            for name in ("backlog", "oldest", "silence", "paused"):
                self._tell(one, name, name in faults, now)
        return WATCH_SECONDS

    def _tell(self, one: DestinationFigures, name: str, wrong: bool, now: datetime) -> None:
        key = (one.name, name)
        if not wrong:
            if self._told.pop(key, None) is not None:
                _log.info(f"destination in order again: {name}", destination=one.name)
            return
        told = self._told.get(key)
        if told is None or now - told >= _AGAIN:
            self._told[key] = now
            waits = round((now - one.oldest).total_seconds()) if one.oldest else 0
            _log.warning(
                f"destination needs looking at: {name}",
                destination=one.name,
                backlog=one.backlog,
                oldest_seconds=waits,
                dead=one.dead,
                reason=one.reason,
            )


def destination_faults(
    one: DestinationFigures, warn: WarningSettings, now: datetime, since: datetime
) -> set[str]:
    """Which of backlog, oldest, silence and paused there is to warn of."""
    silent = now - (one.last_acknowledged or since)
    found = {
        "backlog": one.backlog >= warn.backlog,
        "oldest": one.oldest is not None
        and now - one.oldest >= timedelta(seconds=warn.oldest_seconds),
        "silence": bool(warn.silence_seconds) and silent >= timedelta(seconds=warn.silence_seconds),
        "paused": one.paused,
    }
    return {name for name, wrong in found.items() if wrong}
