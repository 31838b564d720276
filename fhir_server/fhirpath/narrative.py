"""The rules of a narrative's XHTML: txt-1, what it may contain, and txt-2, that it says something.

Source: http://hl7.org/fhir/R4/narrative.html#rules; the lists are in `data/narrative.json`.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple
from xml.parsers import expat

Rule = Literal["txt-1", "txt-2"]

_XHTML = "http://www.w3.org/1999/xhtml"
_SEPARATOR = " "
_KEPT = 256
_LONGEST_KEPT = 4096


class _Allowed(NamedTuple):
    elements: frozenset[str]
    attributes: frozenset[str]


class _Refused(Exception):
    """Ends the parse."""


def narrative_fault(div: str) -> Rule | None:
    """The rule that a narrative's `div` breaks, None when it breaks none."""
    # Generated narratives repeat; long ones are not worth their memory.
    return _kept_fault(div) if len(div) <= _LONGEST_KEPT else _fault(div)


def _fault(div: str) -> Rule | None:
    reader = _Reader(_allowed())
    try:
        reader.read(div)
    except (_Refused, expat.ExpatError, UnicodeEncodeError):
        return "txt-1"
    return None if reader.says_something else "txt-2"


_kept_fault = lru_cache(maxsize=_KEPT)(_fault)


class _Reader:
    """Walks the XHTML once; document types and processing instructions have no place in it."""

    def __init__(self, allowed: _Allowed) -> None:
        self.says_something = False
        self._allowed = allowed
        self._begun = False
        self._parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.ProcessingInstructionHandler = self._refuse

    def read(self, div: str) -> None:
        self._parser.Parse(div, True)

    def _refuse(self, *_: object) -> None:
        raise _Refused

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(_SEPARATOR)
        if namespace != _XHTML or name not in self._allowed.elements:
            raise _Refused
        if not self._begun and name != "div":
            raise _Refused
        self._begun = True
        if not self._allowed.attributes.issuperset(attributes):
            raise _Refused
        if name == "img" and attributes.get("src"):
            self.says_something = True

    def _characters(self, text: str) -> None:
        if not self.says_something and not text.isspace():
            self.says_something = True


@cache
def _allowed() -> _Allowed:
    lists = json.loads(files("fhir_server.fhirpath").joinpath("data/narrative.json").read_bytes())
    return _Allowed(frozenset(lists["elements"]), frozenset(lists["attributes"]))
