"""Where transcript and note come from: a Provenance of each, with what every engine did for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fhir_server.resource import Resource
from pipelines.engines.usage import Usage, Work
from pipelines.ports import Segment
from pipelines.resources import device, provenance
from pipelines.resources.identity import derived_id
from pipelines.resources.provenance import EngineUse
from pipelines.store import ConsultationRecord


def origins(
    record: ConsultationRecord, segments: Sequence[Segment], at: datetime
) -> dict[str, Resource]:
    """The Provenance resources by id; none for what no engine had a part in."""
    found: dict[str, Resource] = {}
    heard = _heard(record, segments)
    if heard:
        id = derived_id(record.encounter, "transcript-origin")
        found[id] = provenance.of_engines(
            id, target=record.transcript, uses=heard, sources=[], at=at
        )
    if record.note is not None and record.note.get("engine"):
        id = derived_id(record.encounter, "note-origin")
        found[id] = provenance.of_engines(
            id,
            target=record.note["composition"],
            uses=_wrote(record),
            sources=[record.transcript],
            at=at,
        )
    return found


def spans(segments: Sequence[Segment]) -> dict[str, list[tuple[float, float]]]:
    """For each engine the stretches of the consultation that it heard, in seconds."""
    found: dict[str, list[tuple[float, float]]] = {}
    last = ""
    for segment in segments:
        stretches = found.setdefault(segment.engine, [])
        if stretches and segment.engine == last:
            start, end = stretches[-1]
            stretches[-1] = (min(start, segment.start), max(end, segment.end))
        else:
            stretches.append((segment.start, segment.end))
        last = segment.engine
    return {name: stretches for name, stretches in found.items() if name}


def _heard(record: ConsultationRecord, segments: Sequence[Segment]) -> list[EngineUse]:
    stretches = spans(segments)
    used = {one.engine: one for one in record.usage if one.work is Work.TRANSCRIPTION}
    return [
        EngineUse(
            device.link(name),
            used.get(name, Usage(Work.TRANSCRIPTION, name)),
            tuple(stretches.get(name, ())),
        )
        for name in dict.fromkeys([*stretches, *used])
    ]


def _wrote(record: ConsultationRecord) -> list[EngineUse]:
    assert record.note is not None
    author = record.note["engine"]
    used = {one.engine: one for one in record.usage if one.work is Work.NOTE}
    # Its author first; engines whose drafts were replaced have cost something too.
    names = dict.fromkeys([author, *used])
    return [EngineUse(device.link(name), used.get(name, Usage(Work.NOTE, name))) for name in names]
