"""Cue phrases that change what a clinical statement means: negation, family, supposition.

In the manner of ConText (Harkema et al., J Biomed Inform 2009;42:839).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from terminology.dataset import dataset
from terminology.words import Found, PhraseIndex, Word


@cache
def _index(kinds: tuple[str, ...]) -> PhraseIndex[str]:
    cues = dataset("context_cues")
    return PhraseIndex((phrase, kind) for kind in kinds for phrase in cues[kind])


def find_cues(text: Sequence[Word], *kinds: str) -> list[Found[str]]:
    """Cues of the given kinds (keys of the data file); where two begin together the longer wins."""
    return _index(kinds).find(text)
