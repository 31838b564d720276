"""FHIR JSON to FHIR XML, by the definitions. https://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any
from xml.sax.saxutils import quoteattr

from fhir_server.definitions.elements import Element, elements_of, primitive_types
from fhir_server.errors import Malformed, NotAcceptable
from fhir_server.formats.xhtml import xml_of
from fhir_server.formats.xml_reader import FHIR
from fhir_server.resource import ExactDecimal, Resource

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_RESOURCE = ("Resource", "@Resource")
# XML 1.0 has no form for these, not even an escaped one.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# A reader turns these into spaces in an attribute unless they are escaped.
_KEPT = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def to_xml(resource: Resource, *, pretty: bool = False) -> bytes:
    """`resource` as an XML document. Raises `NotAcceptable` for what XML has no form for."""
    parts = _resource(resource, FHIR)
    return (_HEAD + "".join(_indented(parts) if pretty else parts)).encode()


def _indented(parts: Iterable[str]) -> Iterator[str]:
    """Each tag on a line of its own; a narrative and a primitive with extensions on one."""
    depth = 0
    for part in parts:
        depth -= part.startswith("</")
        yield f"\n{'  ' * depth}{part}"
        depth += "</" not in part and not part.endswith("/>")


def _resource(resource: Resource, namespace: str = "") -> Iterator[str]:
    type = resource["resourceType"]
    space = f' xmlns="{namespace}"' if namespace else ""
    yield f"<{type}{space}>"
    yield from _children(resource, type)
    yield f"</{type}>"


def _children(value: dict[str, Any], type: str) -> Iterator[str]:
    for name, element in elements_of(type).items():
        if element.attribute:
            continue
        for one in element.types:
            member = name + one[0].upper() + one[1:] if element.choice else name
            if member in value or f"_{member}" in value:
                yield from _member(member, one, element, value)


def _member(member: str, type: str, element: Element, value: dict[str, Any]) -> Iterator[str]:
    content, extra = value.get(member), value.get(f"_{member}")
    if not element.many:
        yield from _element(member, type, content, extra)
        return
    for one, other in zip_longest(content or [], extra or []):
        if one is not None or other is not None:  # nulls may fill up the extras at their end
            yield from _element(member, type, one, other)


def _element(name: str, type: str, content: Any, extra: Any) -> Iterator[str]:
    if type == "xhtml":
        yield _narrative(content)
    elif type in primitive_types():
        yield from _primitive(name, content, extra or {})
    elif type in _RESOURCE:
        yield f"<{name}>"
        yield from _resource(content)
        yield f"</{name}>"
    else:
        path = type.removeprefix("@")
        yield f"<{name}{_attributes(content, path)}>"
        yield from _children(content, path)
        yield f"</{name}>"


def _narrative(div: str) -> str:
    try:
        return xml_of(div)
    except Malformed:
        raise NotAcceptable(
            "The narrative of this resource is not well-formed XHTML: ask for JSON."
        ) from None


def _primitive(name: str, content: Any, extra: dict[str, Any]) -> Iterator[str]:
    attributes = _attributes(extra, "Element")
    if content is not None:
        attributes += f" value={_quoted(_text(content))}"
    inner = "".join(_children(extra, "Element"))
    yield f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"


def _attributes(value: dict[str, Any], type: str) -> str:
    return "".join(
        f" {name}={_quoted(value[name])}"
        for name, element in elements_of(type).items()
        if element.attribute and name in value
    )


def _quoted(text: str) -> str:
    if _UNWRITABLE.search(text):
        raise NotAcceptable("This resource has characters that XML cannot hold: ask for JSON.")
    return quoteattr(text, _KEPT)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, ExactDecimal) else str(value)
