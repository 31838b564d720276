"""Doctor or patient, judged from the words and from who spoke before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from pipelines.facts.sentences import answer, is_question, sentences
from pipelines.ports import Role, Segment
from terminology.dataset import dataset
from terminology.words import PhraseIndex, words

_QUESTION = 3
_ANSWER = 3
_MARGIN = 1
"""Points by which one side must lead; below it the speaker stays unknown."""


@cache
def _index() -> PhraseIndex[int]:
    cues = dataset("speaker_cues")
    return PhraseIndex(
        (phrase, sign * weight)
        for side, sign in (("doctor", 1), ("patient", -1))
        for phrase, weight in cues[side].items()
    )


def label(text: str, previous: Sequence[Segment]) -> Role:
    """Who says `text`; `previous` are the segments before it, the newest last.

    A heuristic for one undeclared microphone: words first, then the turn after a question.
    Returns `Role.UNKNOWN` where nothing tells.
    """
    score = sum(found.value for found in _index().find(words(text)))
    pieces = sentences(text)
    if any(is_question(piece, Role.UNKNOWN) for piece in pieces):
        score += _QUESTION
    asked_by = _asked_by(previous)
    if asked_by is Role.DOCTOR:
        score -= _ANSWER
        if pieces and answer(pieces[0]) is not None:
            score -= _ANSWER
    elif asked_by is Role.PATIENT:
        score += _ANSWER
    if abs(score) < _MARGIN:
        return Role.UNKNOWN
    return Role.DOCTOR if score > 0 else Role.PATIENT


def _asked_by(previous: Sequence[Segment]) -> Role | None:
    """Who asked last, if the last thing said was a question."""
    if not previous:
        return None
    last = previous[-1]
    pieces = sentences(last.text)
    return last.role if pieces and is_question(pieces[-1], Role.UNKNOWN) else None
