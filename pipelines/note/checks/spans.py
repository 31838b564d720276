"""How long something lasts must be what was said, also where nobody counted."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.note.checks.figures import normal
from pipelines.note.checks.model import Claim, Objection
from terminology.spoken_units import spans_in, vague_spans_in


def objections(claim: Claim) -> Iterator[Objection]:
    """Several months where several days were said: left out; where nothing was said: marked."""
    spoken = normal(claim.said[-1])
    named = spans_in(spoken)
    for unit in sorted(vague_spans_in(normal(claim.text)) - named):
        yield Objection(f"{unit}s were not said", severe=bool(vague_spans_in(spoken)))
