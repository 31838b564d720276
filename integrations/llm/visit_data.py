"""The visit as the model gets it: JSON, in which no spoken word can end what it stands in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from integrations.llm.structured_output import Proposal
from pipelines.note.sections import SECTIONS
from pipelines.ports import Chart, ChartEntry, Segment


def data(
    segments: Sequence[Segment],
    chart: Chart,
    *,
    written: Sequence[Proposal] = (),
    draft: Proposal | None = None,
) -> str:
    """The user message: numbered segments, chart, sentences written before, and the last draft."""
    content: dict[str, Any] = {"chart": _chart(chart)}
    if any(part.get(section.code) for part in written for section in SECTIONS):
        content["written"] = _texts(written)
    content["segments"] = [_segment(segment) for segment in segments]
    if draft is not None:
        content["draft"] = _draft(draft)
    # A lone surrogate, which JSON can carry and UTF-8 cannot, becomes a question mark.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace").decode()


def _segment(segment: Segment) -> dict[str, Any]:
    at = f"{int(segment.start) // 60}:{int(segment.start) % 60:02}"
    return {"id": segment.id, "at": at, "role": str(segment.role), "text": segment.text}


def _chart(chart: Chart) -> dict[str, Any]:
    known = {
        "age": None if chart.age_years is None else int(chart.age_years),
        "sex": chart.sex,
        "allergies": _entries(chart.allergies),
        "medications": _entries(chart.medications),
        "conditions": _entries(chart.conditions),
    }
    return {name: value for name, value in known.items() if value}


def _entries(entries: Iterable[ChartEntry]) -> list[str]:
    return [entry.text for entry in entries]


def _texts(written: Sequence[Proposal]) -> dict[str, list[str]]:
    return {
        section.title.lower(): [one.text for part in written for one in part.get(section.code, ())]
        for section in SECTIONS
    }


def _draft(draft: Proposal) -> dict[str, list[dict[str, Any]]]:
    return {
        section.title.lower(): [
            {"text": one.text, "evidence": list(one.evidence)}
            for one in draft.get(section.code, ())
        ]
        for section in SECTIONS
    }
