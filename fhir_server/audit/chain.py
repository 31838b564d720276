"""The arithmetic of the chain: what a block's hash covers, and what verifying finds.

Every block holds the hashes of some events and that of the block before, so that nothing in it can
be changed, removed or put in later without changing all that follows. With a key, kept away from
the database, the hash is an HMAC-SHA-256: who holds the database alone cannot make a new chain.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from fhir_server.clock import instant
from fhir_server.resource import dumps
from fhir_server.store.audit_chain import UNPROVEN, AuditChain, Block

GENESIS = "0" * 64


@dataclass(frozen=True)
class Finding:
    """Something wrong: `place` is a block or an event."""

    place: str
    text: str


def next_block(
    last: Block | None,
    entries: tuple[tuple[str, str], ...],
    at: datetime,
    key: bytes,
    purged_to: int | None = None,
) -> Block:
    """The block that follows `last`. Without `purged_to` it is that of `last`."""
    before = last.purged_to if last else 0
    block = Block(
        number=last.number + 1 if last else 1,
        previous=last.hash if last else GENESIS,
        at=at,
        entries=entries,
        purged_to=before if purged_to is None else purged_to,
        hash="",
    )
    return replace(block, hash=block_hash(block, key))


def block_hash(block: Block, key: bytes) -> str:
    """HMAC-SHA-256, or SHA-256 without a key, of a block's canonical JSON without its hash."""
    told = {
        "number": block.number,
        "previous": block.previous,
        "at": instant(block.at),
        "entries": [list(one) for one in block.entries],
        "purged_to": block.purged_to,
    }
    text = dumps(told)
    if key:
        return hmac.new(key, text, hashlib.sha256).hexdigest()
    return hashlib.sha256(text).hexdigest()


async def verify(
    chain: AuditChain, key: bytes, head: tuple[int, str] | None = None
) -> AsyncIterator[Finding | Block]:
    """Check everything: yields each block once it was looked at, and before it what is wrong.

    `head` is the number and hash of a block that were noted outside the database earlier; without
    one, that the newest blocks were cut off with their events cannot be told.
    """
    newest = await chain.last()
    purged_to = newest.purged_to if newest else 0
    sealed: set[str] = set()
    last: Block | None = None
    witnessed = head is None
    async for block in chain.blocks():
        for text in _faults(block, last, key):
            yield Finding(f"block {block.number}", text)
        if head is not None and block.number == head[0]:
            witnessed = block.hash == head[1]
        async for finding in _events(chain, block, purged=block.number <= purged_to):
            yield finding
        sealed.update(reference for reference, _ in block.entries)
        last = block
        yield block
    if not witnessed and head is not None:
        yield Finding(f"block {head[0]}", "is not the one that was noted")
    async for reference in chain.events():
        if reference not in sealed and not await chain.is_pending(reference):
            sealed.add(reference)
            yield Finding(reference, "is in no block: it was not written by this server")


def _faults(block: Block, last: Block | None, key: bytes) -> list[str]:
    faults = []
    if block.number != (last.number + 1 if last else 1):
        faults.append("follows a gap: blocks before it were removed")
    elif block.previous != (last.hash if last else GENESIS):
        faults.append("does not continue the block before it")
    if not hmac.compare_digest(block.hash, block_hash(block, key)):
        faults.append("was changed, or the key is another one")
    return faults


async def _events(chain: AuditChain, block: Block, *, purged: bool) -> AsyncIterator[Finding]:
    stored = await chain.hashes([reference for reference, _ in block.entries])
    for reference, hash in block.entries:
        found = stored[reference]
        if not found and not purged:
            yield Finding(reference, f"was removed (it is in block {block.number})")
        elif hash == UNPROVEN:
            text = "was not written by this server, or changed before it was sealed"
            yield Finding(reference, f"{text} (it is in block {block.number})")
        elif found - {hash}:
            yield Finding(reference, f"was changed (it is in block {block.number})")
