"""The final segments of each consultation, insert-only.

`segments` documents: `_id` "<encounter>/<seq>", encounter, seq, and the fields of `Segment`.
"""

from __future__ import annotations

from typing import Any

from fhir_server.store import UnitOfWork
from fhir_server.store.connection import Database
from pipelines.ports import Role, Segment, Word


class Journal:
    """Reads segments, and adds them inside somebody's transaction."""

    def __init__(self, database: Database) -> None:
        self._segments = database["segments"]

    async def add(self, unit: UnitOfWork, encounter: str, seq: int, segment: Segment) -> None:
        """Insert segment number `seq` (from 1)."""
        document = {"_id": f"{encounter}/{seq}", "encounter": encounter, "seq": seq}
        await unit.database["segments"].insert_one(
            {**document, **_to_document(segment)}, session=unit.session
        )

    async def load(self, encounter: str) -> list[Segment]:
        """Every segment in its order."""
        found = self._segments.find({"encounter": encounter}).sort("seq", 1)
        return [_from_document(document) async for document in found]


def _to_document(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.id,
        "channel": segment.channel,
        "role": str(segment.role),
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "confidence": segment.confidence,
        "words": [[w.start, w.end, w.text, w.probability] for w in segment.words],
    }


def _from_document(document: dict[str, Any]) -> Segment:
    return Segment(
        id=document["id"],
        channel=document["channel"],
        role=Role(document["role"]),
        start=document["start"],
        end=document["end"],
        text=document["text"],
        confidence=document["confidence"],
        words=tuple(Word(*word) for word in document["words"]),
    )
