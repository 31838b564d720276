"""Deterministic clinical alerts: `evaluate(facts, chart)`."""

from pipelines.alerts.evaluation import evaluate
from pipelines.alerts.model import Alert, Severity

__all__ = ["Alert", "Severity", "evaluate"]
