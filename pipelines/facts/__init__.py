"""Clinical facts heard in a consultation."""

from pipelines.facts.extraction import extract
from pipelines.facts.model import Experiencer, Fact, FactKind, MedicationStatus, Quantity

__all__ = ["Experiencer", "Fact", "FactKind", "MedicationStatus", "Quantity", "extract"]
