"""Negation, experiencer and supposition of what stands at a place in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.facts.model import Experiencer
from pipelines.ports import Role
from terminology.context_cues import find_cues
from terminology.words import Found, Word

_AFTER = 4
"""How many words behind a finding "ruled out" or "runs in the family" may stand."""


@dataclass(frozen=True)
class Sentence:
    """A sentence with its words and all context cues, found once for all its findings."""

    text: str
    role: Role
    words: Sequence[Word]
    negations: tuple[tuple[int, int], ...]
    negations_after: tuple[Found[str], ...]
    family: tuple[Found[str], ...]
    family_after: tuple[Found[str], ...]
    selves: tuple[Found[str], ...]
    hypotheses: tuple[Found[str], ...]

    def negated(self, first: int, last: int) -> bool:
        """Whether words `[first, last)` lie under a negation."""
        if any(start <= first < end for start, end in self.negations):
            return True
        return any(last <= cue.first <= last + _AFTER for cue in self.negations_after)

    def relative(self, first: int, last: int) -> str | None:
        """The relative the words speak of, if they speak of one."""
        for cue in self.family:
            between = any(cue.last <= own.first < first for own in self.selves)
            if cue.last <= first and not between:
                return self._said(cue)
            if last <= cue.first <= last + _AFTER and self._introduced(cue, last):
                return self._said(cue)
        for cue in self.family_after:
            if last <= cue.first <= last + _AFTER:
                return "family"
        return None

    def experiencer(self, first: int, last: int) -> Experiencer:
        """Whose body words `[first, last)` are about."""
        return Experiencer.FAMILY if self.relative(first, last) else Experiencer.PATIENT

    def hypothetical(self, first: int) -> bool:
        """Whether the words behind `first` are only supposed, feared or warned of."""
        return any(cue.last <= first for cue in self.hypotheses)

    def _said(self, cue: Found[str]) -> str:
        said = " ".join(word.text for word in self.words[cue.first : cue.last])
        return "family" if said.startswith("family") else said

    def _introduced(self, cue: Found[str], last: int) -> bool:
        """Tells "diabetes in my father" from "chest pain, my father"."""
        return any(word.text == "in" for word in self.words[last : cue.first])


def read(text: str, role: Role, found: Sequence[Word]) -> Sentence:
    """The cues of a sentence whose words are `found`."""
    kinds = ["hypothetical"] if role is Role.PATIENT else ["hypothetical", "hypothetical_if"]
    return Sentence(
        text=text,
        role=role,
        words=found,
        negations=_scopes(found),
        negations_after=tuple(find_cues(found, "negation_after")),
        family=tuple(find_cues(found, "family")),
        family_after=tuple(find_cues(found, "family_after")),
        selves=tuple(find_cues(found, "self")),
        hypotheses=tuple(find_cues(found, *kinds)),
    )


def _scopes(found: Sequence[Word]) -> tuple[tuple[int, int], ...]:
    """Word ranges under a negation: from the cue to what ends it, or to the sentence's end."""
    cues = find_cues(found, "negation", "pseudo_negation")
    ends = sorted(end.first for end in find_cues(found, "negation_ends"))
    scopes = []
    for cue in cues:
        if cue.value == "negation":
            stop = next((end for end in ends if end >= cue.last), len(found))
            scopes.append((cue.last, stop))
    return tuple(scopes)
