"""The transcript as files: JSON with everything, WebVTT for players.

WebVTT: https://www.w3.org/TR/webvtt1/, speakers as voice spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fhir_server.resource import dumps
from pipelines.ports import Segment


def to_json(encounter: str, segments: Sequence[Segment]) -> bytes:
    """`{"encounter", "segments": [{id, channel, role, start, end, text, confidence, engine,
    words}]}`.
    """
    return dumps({"encounter": encounter, "segments": [_segment(one) for one in segments]})


def to_webvtt(segments: Sequence[Segment]) -> bytes:
    """One cue for each segment, in order of their beginning."""
    ordered = sorted(segments, key=lambda one: (one.start, one.end))
    return "\n\n".join(["WEBVTT", *(_cue(one) for one in ordered), ""]).encode()


def _segment(segment: Segment) -> dict[str, object]:
    return {
        "id": segment.id,
        "channel": segment.channel,
        "role": str(segment.role),
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "confidence": segment.confidence,
        "engine": segment.engine,
        "words": [
            {"start": w.start, "end": w.end, "text": w.text, "probability": w.probability}
            for w in segment.words
        ],
    }


def _cue(segment: Segment) -> str:
    # A cue's end must be after its start, and its text must not hold a line break or "-->".
    end = max(segment.end, segment.start + 0.001)
    text = escape(" ".join(segment.text.split()), quote=False)
    return f"{segment.id}\n{_time(segment.start)} --> {_time(end)}\n<v {segment.role}>{text}"


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
