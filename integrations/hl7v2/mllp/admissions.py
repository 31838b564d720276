"""Which peers connected and which were turned away, for the audit trail: few events of many.

In an hour a peer leaves one event of a kind at each listener. What is like it is counted and told
when the hour is over or the server stops. Of more than `MOST` kinds the rest share one event, which
names no address: who scans from a thousand addresses fills no database.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from fhir_server.clock import Clock

MOST = 50
_WINDOW = timedelta(hours=1)
_END_SECONDS = 5.0
_log = structlog.get_logger("aimed.hl7v2")


@dataclass(frozen=True)
class Admission:
    """A connection of `peer`, an address; of several others it is empty.

    `refused` is why it was refused, a word; `name` is that of the certificate that it showed.
    """

    listener: str
    peer: str
    refused: str = ""
    name: str = ""


Recorder = Callable[[Admission, int], Awaitable[None]]
"""Records an admission, or, with a number, how many more like it there were."""


class Admissions:
    """Bounds what one server records. Nobody waits for it: a message is recorded by itself."""

    def __init__(self, record: Recorder, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._since: datetime | None = None
        self._seen: Counter[Admission] = Counter()
        self._recording: set[asyncio.Task[None]] = set()

    def note(self, admission: Admission) -> None:
        """There was one."""
        now = self._clock()
        if self._since is None or now - self._since >= _WINDOW:
            self._since = now
            self._tell()
        one = admission
        if one not in self._seen and len(self._seen) >= MOST:
            one = replace(one, peer="", name="")
        self._seen[one] += 1
        if self._seen[one] == 1:
            self._start(one, 0)

    async def aclose(self) -> None:
        """Tell what is left, if the database answers soon."""
        self._tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.gather(*self._recording)

    def _tell(self) -> None:
        """How many more there were of each kind; all begin anew."""
        seen, self._seen = self._seen, Counter()
        for one, count in seen.items():
            if count > 1:
                self._start(one, count - 1)

    def _start(self, admission: Admission, more: int) -> None:
        task = asyncio.create_task(self._do(admission, more))
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)

    async def _do(self, admission: Admission, more: int) -> None:
        try:
            await self._record(admission, more)
        except Exception as error:
            # The next one of its kind is tried again.
            self._seen.pop(admission, None)
            _log.warning(
                "connection not recorded", listener=admission.listener, fault=type(error).__name__
            )
