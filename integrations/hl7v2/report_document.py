"""The conversion report as JSON, as the message store keeps it and the pages show it.

{"segments": [{"id", "index", "outcome", "reason"?, "fields": [{"position", "outcome", "drafts"?,
"reason"?}]}], "notes": [...], "counts": {outcome: fields}, "written": [{"key", "reference",
"version", "effect"}]}
"""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.mapping.report import (
    ConversionReport,
    FieldOutcome,
    Outcome,
    SegmentOutcome,
)
from integrations.hl7v2.writing.outcome import Applied

Document = dict[str, Any]


def report_document(report: ConversionReport, applied: Applied | None = None) -> Document:
    """The report, with what was written when it was."""
    made: Document = {
        "segments": [_segment(one) for one in report.segments],
        "notes": list(report.notes),
        "counts": {str(one): report.count(one) for one in Outcome},
    }
    if applied is not None:
        made["notes"] += applied.notes
        made["written"] = [
            {
                "key": one.key,
                "reference": one.reference,
                "version": one.version,
                "effect": str(one.effect),
            }
            for one in applied.written
        ]
    return made


def _segment(one: SegmentOutcome) -> Document:
    made: Document = {"id": one.id, "index": one.index, "outcome": str(one.outcome)}
    if one.reason:
        made["reason"] = one.reason
    made["fields"] = [_field(field) for field in one.fields]
    return made


def _field(one: FieldOutcome) -> Document:
    made: Document = {"position": one.position, "outcome": str(one.outcome)}
    if one.drafts:
        made["drafts"] = list(one.drafts)
    if one.reason:
        made["reason"] = one.reason
    return made
