"""What an engine proposes for the note is compared with what was said. Pure; knows no engine."""

from pipelines.note.checks.model import Objection
from pipelines.note.checks.verify import verify

__all__ = ["Objection", "verify"]
