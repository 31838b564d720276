"""Processing of stored messages: in order per patient, surviving restarts."""

from integrations.hl7v2.processing.attempt import Attempt, Attempting, AttemptsHere
from integrations.hl7v2.processing.converter import Converted, Converter, Ignored, Work
from integrations.hl7v2.processing.lanes import lane_keys
from integrations.hl7v2.processing.outcomes import Outcomes
from integrations.hl7v2.processing.processor import Processor

__all__ = [
    "Attempt",
    "Attempting",
    "AttemptsHere",
    "Converted",
    "Converter",
    "Ignored",
    "Outcomes",
    "Processor",
    "Work",
    "lane_keys",
]
