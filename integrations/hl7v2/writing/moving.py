"""What belonged to one patient belongs to another: A43, A44, A45 and their like.

Unlike a merge both records stay as they are.
"""

from __future__ import annotations

from integrations.hl7v2.mapping.actions import Move
from integrations.hl7v2.writing.drafting import Drafting
from integrations.hl7v2.writing.outcome import Effect, Written
from integrations.hl7v2.writing.references import repointed
from integrations.hl7v2.writing.referring import referring
from integrations.hl7v2.writing.repointing import repoint

_MOST = 1000


async def move(work: Drafting, action: Move) -> tuple[list[Written], list[str]]:
    """Carry out a move: what was written, and moves that are still to be finished."""
    source, target = work.references[action.source], work.references[action.target]
    target = work.survivor(target)
    if source == target:
        return [], []
    if action.key is None:
        moved, done = await repoint(work.unit, source, target)
        return moved, [] if done else [source]
    return await _one(work, work.references[action.key], source, target), []


async def _one(work: Drafting, moved: str, source: str, target: str) -> list[Written]:
    """A visit or an account, and what was recorded for it."""
    await work.unit.flush()
    found = [moved, *await referring(work.unit, moved, _MOST)]
    await work.unit.prefetch(found)
    written = []
    for reference in found:
        type, _, id = reference.partition("/")
        stored = await work.unit.find(type, id)
        if stored is None or stored.deleted:
            continue
        before = stored.resource()
        after = repointed(before, source, target)
        if after != before:
            new = await work.unit.put(after)
            patient = work.unit.patient_of(reference)
            written.append(Written("", reference, new.version, Effect.MOVED, patient))
    return written
