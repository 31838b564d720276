"""A batch through the intake: each message for itself, the answers as a batch.

Source: HL7 v2.8.2 chapter 2, 2.10.3.3 (acknowledging batches).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from integrations.hl7v2.intake import Intake, Receipt
from integrations.hl7v2.message.batch import read_batch
from integrations.hl7v2.source import Source

_AT_ONCE = 100


@dataclass(frozen=True)
class BatchReceipt:
    """`answer` are the acknowledgements between BHS and BTS; `problems` are about the file."""

    answer: bytes
    problems: tuple[str, ...]
    stored: int
    known: int
    refused: int

    @property
    def messages(self) -> int:
        """How many there were."""
        return self.stored + self.known + self.refused


async def receive_batch(
    intake: Intake,
    raw: bytes,
    source: Source,
    *,
    limit: int,
    done: Callable[[int], None] = lambda count: None,
) -> BatchReceipt:
    """Receive all messages of a file, in order. `done` is told how many more are answered."""
    found = await asyncio.to_thread(read_batch, raw)
    messages, receipts = list(found.messages), []
    for start in range(0, len(messages), _AT_ONCE):
        # Tasks start in this order, and what starts first is stored first.
        group = [_one(intake, one, source, limit) for one in messages[start : start + _AT_ONCE]]
        receipts += await asyncio.gather(*group)
        done(len(group))
    answers = [one.acknowledgement for one in receipts if one.acknowledgement is not None]
    header, trailer = b"BHS|^~\\&\r", b"BTS|%d\r" % len(answers)
    return BatchReceipt(
        header + b"".join(answers) + trailer,
        found.problems,
        stored=sum(1 for one in receipts if one.accepted and not one.duplicate),
        known=sum(1 for one in receipts if one.accepted and one.duplicate),
        refused=sum(1 for one in receipts if not one.accepted),
    )


async def _one(intake: Intake, raw: bytes, source: Source, limit: int) -> Receipt:
    if len(raw) > limit:
        return Receipt(intake.refuse_oversize(raw, limit))
    return await intake.receive(raw, source)
