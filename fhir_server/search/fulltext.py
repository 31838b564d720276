"""Words for `_text` (the narrative) and `_content` (all text). FHIR R4 3.1.1.4.21.

`t:word` stands for a word of the narrative, `word` for one anywhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from fhir_server.resource import Resource
from fhir_server.search.text import words

WORD_LIMIT = 500
"""Most words kept of one resource; the largest official narrative has some 400."""

_LONGEST = 40
_UNREAD = frozenset({"AuditEvent", "Binary"})
"""Types that are not read for words: nobody looks for them by what they say."""
_NO_TEXT = frozenset(
    {"system", "url", "reference", "id", "resourceType", "fullUrl", "data", "versionId",
     "lastUpdated", "profile", "div", "contentType", "hash", "lineId"}
)  # fmt: skip
_TAG = re.compile(r"<[^>]*>")
_LETTER = re.compile(r"[^\W\d_]")
_NO_WORDS = re.compile(r"(urn:|https?://|\d{4}-\d\d-\d\dT)\S*")
"""Addresses and times: found by parameters of their own, and half the words of an Observation."""


def words_of(resource: Resource) -> tuple[str, ...]:
    """The words a resource can be found by, at most `WORD_LIMIT`."""
    if resource["resourceType"] in _UNREAD:
        return ()
    found: dict[str, None] = {}
    narrative = resource.get("text")
    div = narrative.get("div", "") if isinstance(narrative, dict) else ""
    for word in words(html.unescape(_TAG.sub(" ", div))):
        if len(word) <= _LONGEST:
            found[f"t:{word}"] = found[word] = None
    for text in _texts(resource):
        for word in words(text):
            if len(word) <= _LONGEST:
                found[word] = None
    return tuple(found)[:WORD_LIMIT]


def _texts(value: Any) -> Iterator[str]:
    for name, member in value.items():
        if name in _NO_TEXT:
            continue
        for one in member if isinstance(member, list) else (member,):
            if isinstance(one, dict):
                yield from _texts(one)
            elif isinstance(one, str) and _LETTER.search(one) and not _NO_WORDS.fullmatch(one):
                yield one
