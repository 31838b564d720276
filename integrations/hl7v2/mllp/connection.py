"""One MLLP connection: frames in, acknowledgements out, in the order the messages came."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from integrations.hl7v2.intake import Intake, Receipt
from integrations.hl7v2.mllp.framing import Deframer, Discarded, Event, Oversize
from integrations.hl7v2.settings import ConnectionLimits
from integrations.hl7v2.source import Source

_READ_BYTES = 256 * 1024
_AFTER_FS_SECONDS = 0.15
"""A sender that leaves out the CR after FS waits for its answer."""
_ANSWER_SECONDS = 30.0
"""A peer that does not take its answers in this time is given up."""
_FLOOD = 4
"""A message this many times as large as allowed is not read to its end."""
_log = structlog.get_logger("aimed.hl7v2")


class Connection:
    """Serves one peer until it goes, is too slow, or `drain` is called.

    The next bytes are read after the messages of the last ones are answered, so that a peer can
    send no faster than the store takes.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        intake: Intake,
        source: Source,
        limits: ConnectionLimits,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._intake = intake
        self._source = source
        self._limits = limits
        self._deframer = Deframer(limits.message_bytes)
        self._deadline = 0.0
        self._handling = False
        self._draining = False
        self._following: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Read and answer until the end. Raises nothing but cancellation."""
        try:
            await self._serve()
        except (OSError, EOFError) as error:
            self._tell("connection lost", fault=type(error).__name__)
        except TimeoutError:
            self._tell("connection closed", reason="idle or too slow")
        finally:
            for task in self._following:
                task.cancel()
            await asyncio.gather(*self._following, return_exceptions=True)
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._writer.wait_closed()

    def drain(self) -> None:
        """Take what has begun to come, and nothing more."""
        self._draining = True
        if not self._handling and not self._deframer.inside:
            self._writer.close()

    async def _serve(self) -> None:
        while not (self._draining and not self._deframer.inside):
            data = await self._read()
            if data == b"":
                break
            events = self._deframer.feed(data) if data else self._deframer.end_undecided()
            self._note_begin(events)
            if events:
                await self._handle(events)
            if self._deframer.size > _FLOOD * self._limits.message_bytes:
                await self._send(self._oversize(self._deframer.head))
                break
        if self._deframer.size:
            self._tell("unfinished message dropped", bytes=self._deframer.size)

    async def _read(self) -> bytes | None:
        """What comes next: empty at the end, None when the last byte was FS and nothing follows."""
        now = asyncio.get_running_loop().time()
        if self._deframer.undecided:
            try:
                async with asyncio.timeout(_AFTER_FS_SECONDS):
                    return await self._reader.read(_READ_BYTES)
            except TimeoutError:
                return None
        end = self._deadline if self._deframer.inside else now + self._limits.idle_seconds
        async with asyncio.timeout_at(end):
            return await self._reader.read(_READ_BYTES)

    def _note_begin(self, events: list[Event]) -> None:
        """From the first byte of a message on, time runs for its last."""
        if not self._deframer.inside:
            self._deadline = 0.0
        elif events or not self._deadline:
            self._deadline = asyncio.get_running_loop().time() + self._limits.message_seconds

    async def _handle(self, events: list[Event]) -> None:
        self._handling = True
        try:
            # All at once, so that messages of one packet share an insert; answered in order.
            # A task starts before those made after it, which keeps the order of the store.
            tasks = [asyncio.create_task(self._answer(one)) for one in events]
            for task in tasks:
                acknowledgement = await task
                if acknowledgement is not None:
                    await self._send(acknowledgement)
        finally:
            self._handling = False

    async def _answer(self, event: Event) -> bytes | None:
        if isinstance(event, Discarded):
            self._tell("bytes outside of a message dropped", bytes=event.size)
            return None
        if isinstance(event, Oversize):
            self._tell("message refused", bytes=event.size)
            return self._oversize(event.head)
        receipt = await self._intake.receive(event.payload, self._source)
        if receipt.application:
            self._follow(receipt)
        return receipt.acknowledgement

    def _oversize(self, head: bytes) -> bytes:
        return self._intake.refuse_oversize(head, self._limits.message_bytes)

    async def _send(self, message: bytes) -> None:
        self._writer.write(b"\x0b" + message + b"\x1c\r")
        async with asyncio.timeout(_ANSWER_SECONDS):
            await self._writer.drain()

    def _follow(self, receipt: Receipt) -> None:
        task = asyncio.create_task(self._application_acknowledgement(receipt.id))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _application_acknowledgement(self, id: str) -> None:
        """Enhanced mode: the second answer, when processing has ended, on this connection."""
        try:
            answer = await self._intake.application_acknowledgement(id)
            if answer is None:
                return
            await self._send(answer)
            await self._intake.store.set_answer(id, "sent")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._tell("application acknowledgement not sent", fault=type(error).__name__)

    def _tell(self, what: str, **more: object) -> None:
        _log.warning(what, listener=self._source.listener, peer=self._source.peer, **more)
