"""The SOAP note: its sections, the offline drafter and the evidence check."""

from pipelines.note.evidence import unsupported
from pipelines.note.rules import RulesDrafter
from pipelines.note.sections import SECTIONS, Section

__all__ = ["SECTIONS", "RulesDrafter", "Section", "unsupported"]
