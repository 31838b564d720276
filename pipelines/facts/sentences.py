"""Sentences of a segment, and whether one asks, affirms or denies.

Speech recognisers usually write full stops and question marks, but not always: a doctor's
sentence that opens like a question is taken as one.
"""

from __future__ import annotations

import re

from pipelines.ports import Role

_END = re.compile(r"(?<=[.?!])\s+|\n+")
# "Dr. Smith" and "98. 6" do not end a sentence.
_NOT_AN_END = re.compile(r"(?:\b(?:dr|mr|mrs|ms|st|vs|e\.g|i\.e)\.)$", re.IGNORECASE)
_FILLER = re.compile(
    r"^(?:(?:and|so|okay|ok|um|uh|well|now|then|alright|all right|also|or|great|good|sure|right"
    r"|got it|i see|oh|yeah)\b[\s,.]*)+",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:any\b|do you|did you|have you|are you|is there|are there|were there|was there|did the"
    r"|what about|how about|does (?:it|your|the|that)|has (?:there|your|it)|ever had"
    r"|what \w+ (?:are|do)|how (?:are|is|do|did|long|often)|tell me about|can you tell)",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^(?:(?:oh|uh|um|well|so|yeah|hmm)[\s,.]+)*(?:no|nope|nah|never|none|negative|not really"
    r"|not at all|not that|nothing|i don't|i do not|i haven't|i have not|i didn't"
    r"|i have n't|i do n't)\b",
    re.IGNORECASE,
)
_NO_NAMES_IT = re.compile(
    r"^(?:no|not|never|none of)\s+(?!i\b|it\b|nothing|none|not|doctor|sir|ma)\w+", re.I
)
_YES = re.compile(
    r"^(?:(?:oh|uh|um|well|so|hmm)[\s,.]+)*(?:yes|yeah|yep|yup|i do|i have|i am|i did|sometimes"
    r"|a little|a bit|correct|that's right|that is right|definitely|it does|it is|mm-hmm|uh-huh"
    r"|sure|exactly|absolutely|right)\b",
    re.IGNORECASE,
)


_ASKS = re.compile(
    r"\s+(?=(?:have you (?:had|been|ever|noticed|experienced)"
    r"|did you (?:have|notice|feel)|do you (?:have|feel|get|take)"
    r"|are you (?:having|taking|allergic)|did the|is there any|was there any"
    r"|any other symptoms)\b)"
    r"|(?:(?<=right)|(?<=okay))\s+(?=any\b)",
    re.IGNORECASE,
)


def clauses(text: str, role: Role) -> list[str]:
    """Sentences; of a speaker who may be the doctor, unpunctuated ones also break at a question.

    "that is great have you had any chest pain" is a remark and a question.
    """
    pieces = sentences(text)
    if role is Role.PATIENT:
        return pieces
    broken: list[str] = []
    for piece in pieces:
        broken += [piece] if piece.endswith((".", "?", "!")) else _ASKS.split(piece)
    return broken


def sentences(text: str) -> list[str]:
    """The sentences of `text`, trimmed; the pieces joined with spaces give the text again."""
    pieces: list[str] = []
    for piece in _END.split(text):
        if pieces and _NOT_AN_END.search(pieces[-1]):
            pieces[-1] += " " + piece
        elif piece.strip():
            pieces.append(piece.strip())
    return pieces


def without_fillers(sentence: str) -> str:
    """The sentence without "okay, so, um" at its front."""
    return _FILLER.sub("", sentence.strip())


def is_question(sentence: str, role: Role) -> bool:
    """Whether the sentence asks. A patient's sentence asks only with a question mark."""
    if sentence.rstrip().endswith("?"):
        return True
    return role is not Role.PATIENT and bool(_QUESTION.match(without_fillers(sentence)))


def answer(sentence: str) -> bool | None:
    """True for an opening yes, False for an opening no, else None.

    "No fever" is a statement of its own and not an answer to whatever was asked.
    """
    if _NO.match(sentence):
        return None if _NO_NAMES_IT.match(sentence) and "," not in sentence[:4] else False
    return True if _YES.match(sentence) else None
