"""The narrative's XHTML, between JSON, where it is a string, and XML. FHIR R4 2.4.0."""

from __future__ import annotations

import re
from html.entities import html5
from xml.sax.saxutils import escape, quoteattr

from fhir_server.formats.xml_tree import Node, parse_xml

XHTML = "http://www.w3.org/1999/xhtml"
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_NAME = "http://www.w3.org/XML/1998/namespace "


def serialise(node: Node, *, top: bool = True) -> str:
    """An element of the narrative as text, the namespace on the outermost."""
    if node.namespace != XHTML:
        node.refuse("the narrative is in the namespace http://www.w3.org/1999/xhtml.")
    attributes = "".join(
        f" {name.replace(_XML_NAME, 'xml:')}={quoteattr(text)}"
        for name, text in node.attributes.items()
    )
    space = f' xmlns="{XHTML}"' if top else ""
    inner = "".join(
        escape(child) if isinstance(child, str) else serialise(child, top=False)
        for child in node.children
    )
    start = f"<{node.name}{space}{attributes}"
    return f"{start}>{inner}</{node.name}>" if inner else f"{start}/>"


def xml_of(div: str) -> str:
    """The narrative of FHIR JSON as XML. Raises `Malformed` when it is not well-formed."""
    text = _ENTITY.sub(_character, div.strip())
    if "xmlns" not in text.partition(">")[0]:
        text = re.sub(r"^<div", f'<div xmlns="{XHTML}"', text)
    return serialise(parse_xml(text.encode()))


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_ENTITIES:
        return match[0]
    return html5.get(f"{name};", match[0])
