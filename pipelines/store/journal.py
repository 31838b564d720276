"""The final segments of each consultation, insert-only.

`segments` documents: `_id` "<encounter>/<seq>", encounter, seq, and the fields of `Segment`. A
later transcript of the same recording has numbers of its own: those of revision 1 begin at 1000001.
"""

from __future__ import annotations

from typing import Any

from fhir_server.store import UnitOfWork
from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed
from pipelines.ports import Role, Segment, Word

REVISION = 1_000_000
"""Numbers of each revision; a week of talk has fewer segments."""


class Journal:
    """Reads segments, and adds them inside somebody's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._segments = database["segments"]

    async def add(self, unit: UnitOfWork, encounter: str, seq: int, segment: Segment) -> None:
        """Insert segment number `seq`, from 1 on in revision 0 and from `REVISION` + 1 on in 1."""
        document: dict[str, Any] = {"_id": f"{encounter}/{seq}", "encounter": encounter, "seq": seq}
        document |= _to_document(segment)
        (closed,) = await sealed(self._database, "segments", [document])
        await self._segments.insert_one(closed, session=unit.session)

    async def load(self, encounter: str, revision: int = 0) -> list[Segment]:
        """Every segment of one transcript in its order."""
        numbers = {"$gt": revision * REVISION, "$lt": (revision + 1) * REVISION}
        condition = {"encounter": encounter, "seq": numbers}
        found = await self._segments.find(condition).sort("seq", 1).to_list()
        return [_from_document(one) for one in await opened(self._database, "segments", found)]


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
        "speaker": segment.speaker,
        "engine": segment.engine,
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
        speaker=document.get("speaker"),
        engine=document.get("engine", ""),
    )
