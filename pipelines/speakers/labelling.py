"""Doctor or patient, judged from the words and from who spoke before."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipelines.facts.sentences import answer, is_question, sentences
from pipelines.ports import Role, Segment
from terminology.dataset import dataset
from terminology.words import words

# Log-odds added to the words' own, chosen on the training part of ACI-Bench.
_QUESTION = 0.6
_AFTER_QUESTION = 1.2
_ANSWERS = 0.6
_LEAD = 0.1
"""Log-odds by which one side must lead; below it the speaker stays unknown."""


def label(text: str, previous: Sequence[Segment]) -> Role:
    """Who says `text`; `previous` are the segments before it, the newest last.

    A heuristic for one undeclared microphone: words first, then the turn after a question.
    Returns `Role.UNKNOWN` where nothing tells.
    """
    pieces = sentences(text)
    if not pieces:
        return Role.UNKNOWN
    score = _words_score(text)
    if any(is_question(piece, Role.UNKNOWN) for piece in pieces):
        score += _QUESTION
    asked_by = _asked_by(previous)
    if asked_by is Role.DOCTOR:
        score -= _AFTER_QUESTION + (_ANSWERS if answer(pieces[0]) is not None else 0.0)
    elif asked_by is Role.PATIENT:
        score += _AFTER_QUESTION
    if abs(score) < _LEAD:
        return Role.UNKNOWN
    return Role.DOCTOR if score > 0 else Role.PATIENT


def label_voice(text: str, speaker: str, previous: Sequence[Segment]) -> Role:
    """Who says `text` in a voice that an engine tells from others.

    All that the voice has said is judged together, so that a short answer is not judged alone.
    """
    said = [one.text for one in previous if one.speaker == speaker]
    score = sum(_score(one) for one in (*said, text))
    if abs(score) >= _LEAD:
        return Role.DOCTOR if score > 0 else Role.PATIENT
    last = next((one.role for one in reversed(previous) if one.speaker == speaker), Role.UNKNOWN)
    return last if last is not Role.UNKNOWN else label(text, previous)


def _score(text: str) -> float:
    asks = any(is_question(piece, Role.UNKNOWN) for piece in sentences(text))
    return _words_score(text) + (_QUESTION if asks else 0.0)


def _words_score(text: str) -> float:
    """Log-odds for the doctor by the words and word pairs of `text`, each counted once."""
    model = dataset("speaker_cues")
    said = [word.text for word in words(text)]
    features = {*said, *(f"{a} {b}" for a, b in pairwise(said))}
    weights: dict[str, float] = model["weights"]
    # Sorted: a set has another order in each run, and the sum other last digits with it.
    return float(model["bias"]) + sum(sorted(weights.get(each, 0.0) for each in features))


def _asked_by(previous: Sequence[Segment]) -> Role | None:
    """Who asked last, if the last thing said was a question."""
    if not previous:
        return None
    last = previous[-1]
    pieces = sentences(last.text)
    return last.role if pieces and is_question(pieces[-1], Role.UNKNOWN) else None
