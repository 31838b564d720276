"""Conversions of HL7 v2 in processes of their own, for machines with more than a core to spare.

One process converts some 50 ADT a second and waits for nothing but its core. Who holds the lease
keeps the order and the queue, and hands one message at a time to each worker; a worker opens the
database for itself and does what the holder would have done. Decision 0024.
"""

from __future__ import annotations

import asyncio
import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.connection import wait
from typing import Any, TypeVar

import structlog

from aimed.fhir import open_fhir
from aimed.hl7v2_converter import converter
from aimed.logging import configure_logging
from aimed.seldom_collected import seldom_collected
from aimed.settings import Settings
from fhir_server.server import FhirServer
from integrations.hl7v2.conversion import FhirConversion
from integrations.hl7v2.message import parse
from integrations.hl7v2.processing import Attempt, Attempting, AttemptsHere, Work
from integrations.hl7v2.processing.attempt import attempt
from integrations.hl7v2.store import MessageRecord

_log = structlog.get_logger("aimed.hl7v2")
Result = TypeVar("Result")
_GRACE_SECONDS = 2.0
_GONE = "A conversion process ended before the message was converted."


class ConversionWorkers:
    """Tries conversions in `count` processes. A process that dies costs nothing but the time.

    What it had begun is not committed, or committed as a whole; the message is then tried again.
    """

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._count = count
        self._pool = self._started()

    async def __call__(self, work: Work) -> Attempt:
        """Convert in the next free process. Raises nothing but cancellation."""
        pool = self._pool
        try:
            return await asyncio.wrap_future(self._submitted(pool, work))
        except BrokenProcessPool:
            if pool is self._pool:
                _log.warning("conversion processes started anew", count=self._count)
                self._pool = self._started()
                pool.shutdown(wait=False, cancel_futures=True)
            return Attempt("failed", "207", _GONE, "AE", retryable=True)

    def _submitted(self, pool: ProcessPoolExecutor, work: Work) -> Future[Attempt]:
        return pool.submit(_convert, work.record, bytes(work.message.raw))

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._count,
            # A fork would share the sockets of the database.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._settings,),
        )

    async def aclose(self) -> None:
        """End the processes; what waits for one is given up, as is what one still does after 2 s.

        Processing has given its own grace by then, and what is not committed is done again.
        """
        pool = self._pool
        ended = asyncio.create_task(
            asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        )
        await asyncio.wait((ended,), timeout=_GRACE_SECONDS)
        for process in multiprocessing.active_children():
            process.kill()
        await ended


@asynccontextmanager
async def attempting(settings: Settings, fhir: FhirServer) -> AsyncIterator[Attempting]:
    """Who converts by AIMED_HL7V2__WORKERS: this process or others. Raises `StackError`."""
    here = await converter(settings, fhir)
    if not settings.hl7v2.workers:
        yield AttemptsHere(here)
        return
    workers = ConversionWorkers(settings, settings.hl7v2.workers)
    try:
        yield workers
    finally:
        await workers.aclose()


class _Worker:
    """What a process keeps between messages: an event loop and the converter on it.

    The loop runs in a thread of its own, on and on: what else the server does on it, such as
    sealing the audit trail in a transaction, must not stand still between two messages.
    """

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._converter = self._run(self._opened(settings))
        self._stack.enter_context(seldom_collected())

    async def _opened(self, settings: Settings) -> FhirConversion:
        fhir = await self._stack.enter_async_context(open_fhir(settings))
        return await converter(settings, fhir)

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def convert(self, record: MessageRecord, raw: bytes) -> Attempt:
        return self._run(attempt(self._converter, Work(record, parse(raw))))

    def close(self) -> None:
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)


_worker: _Worker | None = None


def _begin(settings: Settings) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the holder decides when to end
    threading.Thread(target=_end_with_parent, daemon=True).start()
    configure_logging(settings.log_format)
    _worker = _Worker(settings)
    atexit.register(_worker.close)


def _convert(record: MessageRecord, raw: bytes) -> Attempt:
    assert _worker is not None
    return _worker.convert(record, raw)


def _end_with_parent() -> None:
    """A pool's processes wait for work for ever when their parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
