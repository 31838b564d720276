"""XML read strictly into a small tree: no DOCTYPE, no entities of one's own, bounded depth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from fhir_server.errors import Malformed

DEPTH_LIMIT = 200
"""Nested elements: 60 levels of a resource, and a narrative in the deepest."""


@dataclass
class Node:
    """One element. `children` are nodes and runs of text."""

    namespace: str
    name: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Node | str] = field(default_factory=list)

    def refuse(self, text: str) -> NoReturn:
        """Raise `Malformed` with this place."""
        raise Malformed(f"The XML is wrong at line {self.line}, column {self.column}: {text}")


class _Builder:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._open: list[Node] = []
        self.root: Node | None = None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        node = Node(namespace, name, attributes, line, column)
        if len(self._open) >= DEPTH_LIMIT:
            node.refuse(f"it is nested over {DEPTH_LIMIT} levels.")
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, tag: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].children.append(text)

    def _doctype(self, *_: object) -> None:
        raise Malformed("A DOCTYPE is not read here.")


def parse_xml(body: bytes) -> Node:
    """The root element. Raises `Malformed`; its text names the place, never the content."""
    builder = _Builder()
    try:
        builder.parser.Parse(body, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise Malformed(f"The body is not XML: {expat.ErrorString(error.code)}, {place}.") from None
    except (UnicodeDecodeError, LookupError, ValueError):
        raise Malformed("The body is XML in an encoding that is not read here.") from None
    if builder.root is None:
        raise Malformed("The body has no element.")
    return builder.root
