"""A sentence must have to do with its evidence, and be about the visit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.note.checks.model import Claim, Objection
from terminology.abbreviations import spelled_out
from terminology.concepts import find_concepts
from terminology.machine_talk import gives_orders, speaks_of_itself
from terminology.medications import names_in
from terminology.words import Word, words

_LONGEST = 600
"""Characters. A sentence of a note is shorter; whatever is longer was copied or ran away."""
_STEM = 4
"""Letters that two forms of a word share: "coughing" and "coughs"."""


def objections(claim: Claim) -> Iterator[Objection]:
    """Sentences about the machine, by order of a speaker, too long, or without any shared word."""
    if speaks_of_itself(claim.text) or gives_orders(claim.text):
        yield Objection("it is not about the visit", severe=True)
    if len(claim.text) > _LONGEST:
        yield Objection("it is too long for a sentence", severe=True)
    ordered = [gives_orders(segment.text) for segment in claim.named]
    if any(ordered):
        yield Objection("it rests on words that give orders to the machine", severe=all(ordered))
    if not _shared(claim):
        yield Objection("nothing of it is in the words it rests on")


def _shared(claim: Claim) -> bool:
    written = _stems(words(spelled_out(claim.text)))
    spoken = set().union(*(_stems(words(spelled_out(said))) for said in claim.said))
    if written & spoken or not written:
        return True
    # Findings and drugs are compared by what they mean, not by letters, in checks of their own.
    return bool(find_concepts(claim.words) or names_in(claim.text))


def _stems(found: Sequence[Word]) -> set[str]:
    return {word.text[:_STEM] for word in found if len(word.text) >= _STEM or word.text[0] < "a"}
