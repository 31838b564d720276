"""How alike two spellings sound, for drug names a speech recogniser wrote as other words.

A spelling becomes a string of sounds in which every run of vowels is one `a`. Strings are compared
by an edit distance in which sounds that recognisers confuse (m/n, t/d, s/z, th/l) cost less. Own
method, in the spirit of Metaphone (L. Philips, 1990).
"""

from __future__ import annotations

from functools import lru_cache

_DIGRAPHS = (
    ("sch", "sk"), ("tch", "c"), ("ph", "f"), ("th", "0"), ("sh", "x"), ("ch", "c"), ("ck", "k"),
    ("gh", ""), ("kn", "n"), ("wr", "r"), ("qu", "kw"), ("ce", "se"), ("ci", "si"), ("cy", "si"),
    ("ge", "je"), ("gi", "ji"), ("x", "ks"), ("z", "s"), ("q", "k"), ("c", "k"), ("h", ""),
)  # fmt: skip
_CLOSE = {
    frozenset(pair): cost
    for pair, cost in {
        "mn": 0.4, "td": 0.3, "sz": 0.2, "pb": 0.3, "kg": 0.4, "fv": 0.3, "0t": 0.4, "0s": 0.4,
        "0l": 0.6, "lr": 0.5, "tl": 0.6, "xs": 0.4, "jg": 0.4, "js": 0.5, "dn": 0.6, "ln": 0.6,
    }.items()
}  # fmt: skip
_WEAK = frozenset("arl")
_WEAK_COST = 0.5


@lru_cache(maxsize=65_536)
def sounds_of(spelling: str) -> str:
    """The sounds of `spelling`: consonants, and one `a` for each run of vowels."""
    sounds = "".join(c for c in spelling.lower() if c.isascii() and c.isalpha())
    for written, spoken in _DIGRAPHS:
        sounds = sounds.replace(written, spoken)
    kept: list[str] = []
    previous = ""
    for sound in sounds:
        heard = "a" if sound in "aeiouyw" else sound
        if heard != previous:
            kept.append(heard)
        previous = heard
    return "".join(kept)


def _substitution(a: str, b: str) -> float:
    return 0.0 if a == b else _CLOSE.get(frozenset((a, b)), 1.0)


def _removal(a: str) -> float:
    return _WEAK_COST if a in _WEAK else 1.0


def distance(a: str, b: str) -> float:
    """The weighted edit distance of two strings of sounds."""
    row = [0.0]
    for sound in b:
        row.append(row[-1] + _removal(sound))
    for x in a:
        upper, row = row, [row[0] + _removal(x)]
        for column, y in enumerate(b, start=1):
            row.append(
                min(
                    upper[column] + _removal(x),
                    row[-1] + _removal(y),
                    upper[column - 1] + _substitution(x, y),
                )
            )
    return row[-1]


def likeness(a: str, b: str) -> float:
    """How alike two strings of sounds are, 0 to 1."""
    longest = max(len(a), len(b))
    return 0.0 if longest == 0 else max(0.0, 1 - distance(a, b) / longest)
