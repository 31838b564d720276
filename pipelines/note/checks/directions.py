"""More and less, better and worse must be those that were said."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.note.checks.model import Claim, Objection
from terminology.directions import opposed
from terminology.medications import find_exact


def objections(claim: Claim) -> Iterator[Objection]:
    """The opposite way of all that was said: left out of a drug, whose dose it turns round."""
    spoken = [word.text for word in claim.said_words[-1]]
    if (found := opposed((word.text for word in claim.words), spoken)) is not None:
        yield Objection(f"the opposite of {found} was said", severe=bool(find_exact(claim.words)))
