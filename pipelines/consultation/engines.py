"""The machines that take part in a consultation, each a Device."""

from __future__ import annotations

from pipelines.consultation.services import Services

ALERT_RULES = "alert-rules 1"
"""Name and version of `pipelines.alerts`; the version rises when a rule changes its meaning."""


def engines(services: Services) -> dict[str, str]:
    """Each engine's name and what it does; the preferred transcriber comes first."""
    return {
        **dict.fromkeys(services.transcriber.names, "Transcribes speech."),
        **dict.fromkeys(services.drafter.names, "Drafts the consultation note."),
        ALERT_RULES: "Raises clinical alerts.",
    }
