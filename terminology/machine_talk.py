"""Words that give orders to a language model, and words in which one speaks of itself."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from terminology.dataset import dataset


@cache
def _patterns(kind: str) -> re.Pattern[str]:
    return re.compile("|".join(dataset("machine_talk")[kind]), re.IGNORECASE)


def gives_orders(text: str) -> bool:
    """Whether a speaker seems to address the machine that writes the note."""
    return bool(_patterns("orders").search(unicodedata.normalize("NFKC", text)))


def speaks_of_itself(text: str) -> bool:
    """Whether a sentence is about the machine, or carries markup, and so belongs in no note."""
    return bool(_patterns("confessions").search(unicodedata.normalize("NFKC", text)))
