"""How often a drug is taken must be how often was said."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.note.checks.figures import normal
from pipelines.note.checks.model import Claim, Objection
from terminology.medications import find_exact
from terminology.spoken_units import periods_in, periods_told


def objections(claim: Claim) -> Iterator[Objection]:
    """Periods of a drug that were not said: left out when another one was."""
    if not find_exact(claim.words):
        return
    said = periods_told(normal(claim.said[-1]))
    for period in sorted(periods_in(normal(claim.text)) - said):
        yield Objection(f"a dose each {period} was not said", severe=bool(said))
