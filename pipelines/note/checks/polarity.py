"""What no list knows must not be denied where it was affirmed, nor the other way round.

Findings, drugs and allergies have checks of their own, which know what words mean. This one knows
words alone, so it marks and leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipelines.facts.context import Sentence, read
from pipelines.facts.sentences import answer, clauses, is_question, sentences
from pipelines.note.checks.model import Claim, Objection
from pipelines.ports import Role, Segment
from terminology.allergens import find_allergens
from terminology.concepts import find_concepts
from terminology.context_cues import find_cues
from terminology.medications import find_medications
from terminology.plain_words import is_empty, is_half_negation, is_refusal
from terminology.words import Word, words

_LETTERS = 4
"""Shorter words bear no meaning of their own, and tell nothing of one another."""
_NEAR = 4
"""Words behind a cue that are plainly denied by it."""
_SHORT = 8
"""Words of a question that asks for one thing, so that a no denies just this."""
_NON = ("non-", "non")


@dataclass(frozen=True)
class _Told:
    """A word, and whether it was said with a no; None where that is open."""

    text: str
    denied: bool | None
    plainly: bool = False


def objections(claim: Claim) -> Iterator[Objection]:
    """Words denied that were never said with a no, and words affirmed that always were."""
    said = list(_said(claim.named))
    for piece in sentences(claim.text):
        written = _written(read(piece, Role.UNKNOWN, words(piece)))
        denied = _matches([one for one in written if one.denied], said)
        if denied and all(told.denied is False for _, told in denied):
            yield Objection(f"{denied[0][0]} was not denied in the words it rests on")
        if any(one.denied for one in written):
            continue
        # "Stopped smoking" denies smoking itself, but "stop" is stated.
        half = [one for one in written if is_half_negation(one.text)]
        stated: dict[str, list[_Told]] = {}
        for text, told in _matches(half or written, said):
            stated.setdefault(text, []).append(told)
        for text, tellings in stated.items():
            if all(told.denied and told.plainly for told in tellings):
                yield Objection(f"{text} was denied in the words it rests on")


def _matches(written: Sequence[_Told], said: Sequence[_Told]) -> list[tuple[str, _Told]]:
    return [(one.text, told) for one in written for told in said if _same(one.text, told.text)]


def _same(one: str, other: str) -> bool:
    """Whether two words are forms of one: "smoking" and "smoke", "tender" and "tenderness"."""
    letters = max(_LETTERS, min(len(one), len(other)) - 2)
    return one[:letters] == other[:letters]


def _said(segments: Sequence[Segment]) -> Iterator[_Told]:
    asked: list[_Told] = []
    for segment in segments:
        for clause in clauses(segment.text, segment.role):
            told = _told(read(clause, segment.role, words(clause)))
            if is_question(clause, segment.role):
                yield from asked
                short = len(clause.split()) <= _SHORT
                asked = [_Told(one.text, None, short) for one in told]
                continue
            said = answer(clause)
            yield from (replace(one, denied=None if said is None else not said) for one in asked)
            yield from told
            asked = []
    yield from asked


def _told(sentence: Sentence) -> Iterator[_Told]:
    half = any(is_half_negation(word.text) for word in sentence.words)
    stopped = half or bool(find_cues(sentence.words, "stopped", "refused"))
    for at, word in enumerate(sentence.words):
        if _bears(word):
            denied = sentence.negated(at, at + 1) or _refused(sentence.words, at)
            open_ = (stopped and not is_half_negation(word.text)) or sentence.hypothetical(at)
            yield _Told(word.text, None if open_ else denied, _plainly(sentence, at))


def _written(sentence: Sentence) -> list[_Told]:
    known = _known(sentence.words)
    found = []
    for at, word in enumerate(sentence.words):
        prefix = next((one for one in _NON if word.text.startswith(one)), "")
        if prefix and len(word.text) - len(prefix) >= _LETTERS:
            found.append(_Told(word.text[len(prefix) :], True))
        elif is_half_negation(word.text) or (_bears(word) and at not in known):
            found.append(_Told(word.text, sentence.negated(at, at + 1)))
    return found


def _bears(word: Word) -> bool:
    return len(word.text) >= _LETTERS and word.text.isalpha() and not is_empty(word.text)


def _known(found: Sequence[Word]) -> set[int]:
    """Places of what other checks know."""
    spans = [
        *((one.first, one.last) for one in find_concepts(found)),
        *((one.first, one.last) for one in find_medications(found)),
        *((one.first, one.last) for one in find_allergens(found)),
    ]
    return {at for first, last in spans for at in range(first, last)}


def _plainly(sentence: Sentence, at: int) -> bool:
    near = any(start <= at < start + _NEAR for start, _ in sentence.negations)
    return near or _refused(sentence.words, at)


def _refused(found: Sequence[Word], at: int) -> bool:
    return any(is_refusal(word.text) for word in found[max(0, at - _NEAR) : at])
