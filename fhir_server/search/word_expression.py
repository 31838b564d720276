"""The text of `_text` and `_content`: words with AND, OR, NOT and parentheses. R4 3.1.1.4.20.

Words side by side are joined by AND, which binds closer than OR.
"""

from __future__ import annotations

import re
from typing import Any

from fhir_server.errors import InvalidParameter
from fhir_server.search.text import words

Filter = dict[str, Any]

_TOKEN = re.compile(r"[()]|[^\s()]+")
_DEPTH = 20


class WordExpression:
    """One value of `_text` (`start` is `t:`) or `_content` (`start` is empty)."""

    def __init__(self, code: str, text: str, start: str) -> None:
        self._code = code
        self._start = start
        self._tokens = _TOKEN.findall(text)
        self._depth = 0

    def filter(self) -> Filter:
        """The condition on the words of a resource. Raises `InvalidParameter`."""
        found = self._any()
        if self._tokens:
            raise self._refusal("has a ) too many")
        return found

    def _any(self) -> Filter:
        found = [self._all()]
        while self._take("OR"):
            found.append(self._all())
        return found[0] if len(found) == 1 else {"$or": found}

    def _all(self) -> Filter:
        found = [self._one()]
        while self._tokens and self._tokens[0] not in ("OR", ")"):
            self._take("AND")
            found.append(self._one())
        return found[0] if len(found) == 1 else {"$and": found}

    def _one(self) -> Filter:
        if self._take("NOT"):
            return {"$nor": [self._one()]}
        if self._take("("):
            self._depth += 1
            if self._depth > _DEPTH:
                raise self._refusal(f"is nested over {_DEPTH} levels")
            found = self._any()
            if not self._take(")"):
                raise self._refusal("lacks a )")
            return found
        plain = list(words(self._tokens.pop(0))) if self._tokens else []
        if not plain:
            raise self._refusal("takes at least one word, and one on each side of AND and OR")
        wanted = [{"w": f"{self._start}{word}"} for word in plain]
        return wanted[0] if len(wanted) == 1 else {"$and": wanted}

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _refusal(self, problem: str) -> InvalidParameter:
        return InvalidParameter(f"{self._code} {problem}.")
