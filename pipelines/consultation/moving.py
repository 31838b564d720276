"""The recording's move to another home, once the consultation is closed."""

from __future__ import annotations

from fhir_server.store import MongoStore
from pipelines.resources.identity import derived_id
from pipelines.store import AudioSpool

MOVE = "recording.move"
"""The job that the worker does; its arguments are `{"encounter"}`."""


async def move_recording(encounter: str, store: MongoStore) -> bool:
    """Move a closed consultation's recording; False when there was nothing to move.

    The audio as it arrived is removed only after the recording is in its new home. Safe to repeat.
    Raises `Unavailable` while that home does not take it, and `ResourceNotFound`, `ResourceGone`.
    """
    stored = await store.read("Binary", derived_id(encounter, "audio.flac"))
    moved = await store.move_content(stored)
    if moved:
        await AudioSpool(store.database).remove(encounter)
    return moved
