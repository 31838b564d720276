"""Warnings in the log: a backlog, a message that waits, failures, a listener that is silent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from fhir_server.clock import Clock
from fhir_server.store.connection import Database
from integrations.hl7v2.feeds.figures import Feed, feeds
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.store import Lease

WATCH_SECONDS = 30.0
LEASE = timedelta(seconds=3 * WATCH_SECONDS)
KINDS = ("backlog", "oldest", "failed", "silence")
_AGAIN = timedelta(hours=1)
_log = structlog.get_logger("aimed.hl7v2")


class FeedWatch:
    """Warns when something begins, once an hour while it goes on, and tells when it is over.

    Of several processes on one database one warns, who holds the lease.
    """

    def __init__(
        self, database: Database, settings: Hl7v2Settings, *, lease: Lease, clock: Clock
    ) -> None:
        self._database = database
        self._settings = settings
        self._lease = lease
        self._clock = clock
        self._since = clock()
        self._told: dict[tuple[str, str], datetime] = {}

    async def run(self, stopped: asyncio.Event) -> None:
        """Look now and then until `stopped`; an outage is waited out."""
        try:
            while not stopped.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), WATCH_SECONDS)
                    return
                try:
                    await self.look()
                except Exception as error:
                    _log.warning("feeds not watched", fault=type(error).__name__)
        finally:
            await self._end()

    async def _end(self) -> None:
        try:
            await self._lease.end()
        except Exception as error:
            _log.warning("lease not given back", fault=type(error).__name__)

    async def look(self) -> None:
        """Look at every feed once, unless another process does."""
        now = self._clock()
        if not await self._lease.hold(now):
            self._told.clear()
            return
        for feed in await feeds(self._database, self._settings, now, self._since):
            for kind in KINDS:
                self._tell(feed, kind, kind in feed.warnings, now)

    def _tell(self, feed: Feed, kind: str, wrong: bool, now: datetime) -> None:
        key = (feed.counts.name, kind)
        if not wrong:
            if self._told.pop(key, None) is not None:
                _log.info(f"listener in order again: {kind}", listener=feed.counts.name)
            return
        told = self._told.get(key)
        if told is not None and now - told < _AGAIN:
            return
        self._told[key] = now
        oldest = feed.counts.oldest
        _log.warning(
            f"listener needs looking at: {kind}",
            listener=feed.counts.name,
            waiting=feed.counts.waiting,
            oldest_seconds=round((now - oldest).total_seconds()) if oldest else 0,
            failed=feed.counts.failed,
        )
