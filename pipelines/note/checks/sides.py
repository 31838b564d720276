"""Left and right must be those that were said."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.note.checks.model import Claim, Objection
from terminology.laterality import sides_in

_OTHER = {"left": "right", "right": "left"}


def objections(claim: Claim) -> Iterator[Objection]:
    """Sides that were not said, or said of another part of the body."""
    pairs = {pair for said in claim.said_words for pair in sides_in(said)}
    said = {side for side, _ in pairs}
    for side, part in sides_in(claim.words):
        other = _OTHER.get(side)
        if side not in said:
            opposed = other in said
            yield Objection(f"the side {side} was not said", severe=opposed)
        elif part and (side, part) not in pairs and (other, part) in pairs:
            yield Objection(f"the {part} was said of the other side", severe=True)
