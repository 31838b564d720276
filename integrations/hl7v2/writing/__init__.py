"""From the drafts of a message to resources: one transaction, the same end in whatever order."""

from integrations.hl7v2.writing.outcome import Applied, Effect, Written
from integrations.hl7v2.writing.source import MessageSource
from integrations.hl7v2.writing.upsert import apply

__all__ = ["Applied", "Effect", "MessageSource", "Written", "apply"]
