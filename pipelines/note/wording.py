"""How facts and spoken sentences are put into the words of a note."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.facts.sentences import without_fillers
from terminology.medications import find_medications
from terminology.note_cues import in_note_style
from terminology.words import words

_PUNCTUATION = re.compile(r"\s+([,.;:!?])")
_HESITATION = re.compile(r"\b(?:um+|uh+|er+|you know),?\s*", re.IGNORECASE)


def listed(items: Sequence[str]) -> str:
    """The items as "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def tidy(spoken: str) -> str:
    """A spoken sentence without hesitations, with a capital and a full stop."""
    text = _PUNCTUATION.sub(r"\1", _HESITATION.sub("", without_fillers(spoken))).strip(" ,-")
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" else f"{text}."


def as_note(spoken: str) -> str:
    """A doctor's sentence in note style, garbled drug names put right and marked."""
    return tidy(in_note_style(_with_drug_names(tidy(spoken))))


def _with_drug_names(text: str) -> str:
    for mention in reversed(find_medications(words(text))):
        if mention.heard_as is not None:
            heard = text[mention.start : mention.end]
            name = f'{mention.medication.name} (heard as "{heard}")'
            text = text[: mention.start] + name + text[mention.end :]
    return text
