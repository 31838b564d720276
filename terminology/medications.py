"""Medications by name, by brand, and by what a speech recogniser made of the name.

A name as written always counts. A phonetic match needs the consultation to be about a drug at
that place: a dose after it, or a word such as "prescribe" or "allergic to" before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from terminology.dataset import dataset
from terminology.phonetics import likeness, sounds_of
from terminology.words import Found, PhraseIndex, Word, words

# Chosen on 281,000 words of ACI-Bench, MTS-Dialog and PriMock57: 764 names as written, 3 garbled
# ones of which one is wrong ("Duraphen").
_LIKE_BEFORE_DOSE = 0.8
_LIKE_AFTER_CUE = 0.9
_FEWEST_SOUNDS = 7
_ORDINARY_LENGTH = 4
"""Shorter words are not in the list of ordinary words; all of them count as ordinary."""
_DOSE_REACH = 5
_LONGEST_WINDOW = 5


@dataclass(frozen=True)
class Medication:
    """One ingredient (or fixed combination) with its classes; `rxnorm` only where certain."""

    name: str
    classes: tuple[str, ...]
    rxnorm: str | None = None


@dataclass(frozen=True)
class Mention:
    """A medication in a text. `heard_as` is set, and `confidence` below 1, for a garbled name."""

    medication: Medication
    first: int
    last: int
    start: int
    end: int
    confidence: float = 1.0
    heard_as: str | None = None


def system() -> str:
    """The code system of `Medication.rxnorm`."""
    return str(dataset("medications")["system"])


@cache
def _all() -> dict[str, Medication]:
    return {
        entry["name"]: Medication(entry["name"], tuple(entry["classes"]), entry.get("rxnorm"))
        for entry in dataset("medications")["medications"]
    }


def medication(name: str) -> Medication | None:
    """The medication called `name` (generic name, lower case)."""
    return _all().get(name)


def _index(field: str) -> PhraseIndex[Medication]:
    entries = dataset("medications")["medications"]
    return PhraseIndex((p, _all()[e["name"]]) for e in entries for p in _spellings(e, field))


def _spellings(entry: dict[str, object], field: str) -> list[str]:
    if field == "heard":
        return list(entry.get("heard", ()))  # type: ignore[call-overload,no-any-return]
    brands: list[str] = list(entry.get("brands", ()))  # type: ignore[call-overload]
    name = str(entry["name"])
    return [name, name.replace("-", " "), *brands]


@cache
def _written() -> PhraseIndex[Medication]:
    return _index("name")


@cache
def _heard() -> PhraseIndex[Medication]:
    return _index("heard")


def find_exact(text: Sequence[Word]) -> list[Found[Medication]]:
    """Medications by generic or brand name as written."""
    return _written().find(text)


def find_medications(text: Sequence[Word]) -> list[Mention]:
    """Every medication in `text`, left to right, garbled names where a cue supports them."""
    mentions = [_mention(f) for f in find_exact(text)]
    taken = {at for m in mentions for at in range(m.first, m.last)}
    for found in _heard().find(text):
        free = taken.isdisjoint(range(found.first, found.last))
        if free and _about_drugs(text, found):
            heard = " ".join(word.text for word in text[found.first : found.last])
            mentions.append(_mention(found, 0.95, heard))
            taken.update(range(found.first, found.last))
    mentions += _by_sound(text, taken)
    return sorted(mentions, key=lambda mention: mention.first)


def _about_drugs(text: Sequence[Word], found: Found[Medication]) -> bool:
    """Ordinary words such as "this in April" name a drug only beside a cue or a dose."""
    parts = text[found.first : found.last]
    if not all(word.text in _ordinary() or len(word.text) < _ORDINARY_LENGTH for word in parts):
        return True
    before, units = _cues()
    after = text[found.last : found.last + _DOSE_REACH]
    cued = any(found.first - 3 <= cue.last <= found.first + 1 for cue in before.find(text))
    return cued or any(word.text in units for word in after)


def names_in(text: str) -> frozenset[str]:
    """Names of all medications `find_medications` sees in `text`."""
    return frozenset(mention.medication.name for mention in find_medications(words(text)))


def _mention(f: Found[Medication], confidence: float = 1.0, heard: str | None = None) -> Mention:
    return Mention(f.value, f.first, f.last, f.start, f.end, confidence, heard)


def _by_sound(text: Sequence[Word], taken: set[int]) -> list[Mention]:
    found: list[Mention] = []
    for place in _places(text):
        best = _best_window(text, place, taken)
        if best is not None:
            found.append(best)
            taken.update(range(best.first, best.last))
    return found


@dataclass(frozen=True)
class _Place:
    """Where a name may begin and end, and how alike it must sound there."""

    begins: range
    ends: range
    threshold: float
    one_word: bool


@cache
def _cues() -> tuple[PhraseIndex[str], frozenset[str]]:
    cues = dataset("medication_cues")
    before = PhraseIndex((phrase, phrase) for phrase in cues["before"])
    return before, frozenset(cues["dose_units"])


@cache
def _never() -> frozenset[str]:
    return frozenset(dataset("medication_cues")["never_part_of_a_name"])


def is_ordinary(word: str) -> bool:
    """Whether people say `word` without meaning a drug: "continue", "daily", "initially"."""
    cues = {part for phrase in dataset("medication_cues")["before"] for part in phrase.split()}
    return word in _ordinary() or word in cues


@cache
def _ordinary() -> frozenset[str]:
    return frozenset(word for line in dataset("ordinary_words")["words"] for word in line.split())


def _places(text: Sequence[Word]) -> list[_Place]:
    """A name stands before a dose, or after a cue; without a dose it must be one strange word."""
    before, units = _cues()
    places = []
    for at, word in enumerate(text):
        if word.text in units and at >= 2:
            # "lies in a Pearl twenty five milligrams": up to three number words lie between.
            begins = range(max(0, at - 3 - _LONGEST_WINDOW), at - 1)
            places.append(_Place(begins, range(max(1, at - 3), at), _LIKE_BEFORE_DOSE, False))
    for cue in before.find(text):
        begins = range(cue.last, min(cue.last + 3, len(text)))
        ends = range(cue.last + 1, min(cue.last + 4, len(text) + 1))
        places.append(_Place(begins, ends, _LIKE_AFTER_CUE, True))
    return places


def _best_window(text: Sequence[Word], place: _Place, taken: set[int]) -> Mention | None:
    best: Mention | None = None
    for first in place.begins:
        for last in place.ends:
            if not 0 < last - first <= (1 if place.one_word else _LONGEST_WINDOW):
                continue
            if not taken.isdisjoint(range(first, last)):
                continue
            candidate = _sounds_like(text, first, last, place.threshold)
            if candidate and (best is None or candidate.confidence > best.confidence):
                best = candidate
    return best


def _sounds_like(text: Sequence[Word], first: int, last: int, threshold: float) -> Mention | None:
    parts = [word.text for word in text[first:last]]
    if any(part[0].isdigit() or part in _never() for part in parts):
        return None
    if len(parts) == 1 and parts[0] in _ordinary():
        return None
    name, score = _closest(sounds_of("".join(parts)))
    if score < threshold:
        return None
    start, end = text[first].start, text[last - 1].end
    return Mention(_all()[name], first, last, start, end, round(score, 2), " ".join(parts))


@cache
def _sounds() -> tuple[tuple[str, str], ...]:
    return tuple(
        (sounds_of(spelling), entry["name"])
        for entry in dataset("medications")["medications"]
        for spelling in [entry["name"], *entry.get("brands", ())]
        if len(sounds_of(spelling)) >= _FEWEST_SOUNDS
    )


@lru_cache(maxsize=65_536)
def _closest(sounds: str) -> tuple[str, float]:
    """The medication that sounds most like `sounds` and how much; ties go to the later name."""
    near = [(s, name) for s, name in _sounds() if abs(len(s) - len(sounds)) <= 2]
    scored = [(likeness(s, sounds), name) for s, name in near if _may_match(s, sounds)]
    score, name = max(scored, default=(0.0, ""))
    return name, score


def _may_match(a: str, b: str) -> bool:
    """A cheap bound before the edit distance: enough sounds in common."""
    return len(set(a) & set(b)) * 3 >= len(set(a)) * 2
