"""The words by which a doctor's sentences are sorted into the sections of a note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from terminology.dataset import dataset
from terminology.words import PhraseIndex, Word


@cache
def _index(kind: str) -> PhraseIndex[str]:
    return PhraseIndex((phrase, phrase) for phrase in dataset("note_cues")[kind])


def has_cue(text: Sequence[Word], kind: str) -> bool:
    """Whether `text` holds a cue of `kind`: plan_verbs, plan_objects, exam, impression, history."""
    return bool(_index(kind).find(text))


@cache
def _rewrites() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(pattern, re.IGNORECASE), replacement)
        for pattern, replacement in dataset("note_cues")["rewrite"]
    )


def in_note_style(sentence: str) -> str:
    """Write "I'm going to start you on X" as "start X". Names and numbers stay as they are."""
    for pattern, replacement in _rewrites():
        sentence = pattern.sub(replacement, sentence)
    return sentence
