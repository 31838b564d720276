"""FHIR XML to FHIR JSON, by the definitions. https://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from fhir_server.definitions.elements import Element, elements_of, primitive_types, resource_types
from fhir_server.formats.xhtml import XHTML, serialise
from fhir_server.formats.xml_tree import Node, parse_xml
from fhir_server.resource import ExactDecimal, Resource

FHIR = "http://hl7.org/fhir"
_INTEGERS = frozenset({"integer", "unsignedInt", "positiveInt"})
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance schemaLocation"
_RESOURCE = ("Resource", "@Resource")


def from_xml(body: bytes) -> Resource:
    """The resource in `body`. Raises `Malformed`, naming line and column but never content."""
    return _resource(parse_xml(body))


def _resource(node: Node) -> Resource:
    if node.namespace != FHIR or node.name not in resource_types():
        node.refuse("this is no FHIR R4 resource in the namespace http://hl7.org/fhir.")
    return {"resourceType": node.name, **_object(node, node.name, plain=True)}


@cache
def _members(type: str) -> dict[str, tuple[Element, str]]:
    """XML element and JSON property name: the element's definition and its type."""
    found: dict[str, tuple[Element, str]] = {}
    for name, element in elements_of(type).items():
        for one in element.types:
            member = name + one[0].upper() + one[1:] if element.choice else name
            found[member] = (element, one)
    return found


def _object(node: Node, type: str, *, plain: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {}
    members = _members(type)
    for name, text in node.attributes.items():
        if name == _SCHEMA:
            continue
        if plain or name not in members or not members[name][0].attribute:
            node.refuse("it has an attribute that does not belong there.")
        made[name] = text
    extras: dict[str, list[Any]] = {}
    for child in _elements(node):
        if child.namespace != (XHTML if child.name == "div" else FHIR):
            child.refuse("the element is in another namespace than FHIR's.")
        if child.name not in members:
            child.refuse("there is no such element here.")
        element, one = members[child.name]
        value, extra = _value(child, one)
        if element.many:
            made.setdefault(child.name, []).append(value)
            extras.setdefault(child.name, []).append(extra)
        elif child.name in made or f"_{child.name}" in made:
            child.refuse("the element may stand once only.")
        else:
            _put(made, child.name, value, extra)
    for name, found in extras.items():
        _align(made, name, found)
    return made


def _put(made: dict[str, Any], name: str, value: Any, extra: Any) -> None:
    if value is not None:
        made[name] = value
    if extra:
        made[f"_{name}"] = extra


def _align(made: dict[str, Any], name: str, extras: list[Any]) -> None:
    if not any(extras):
        return
    made[f"_{name}"] = [one or None for one in extras]
    if all(value is None for value in made[name]):
        del made[name]


def _elements(node: Node) -> list[Node]:
    for child in node.children:
        if isinstance(child, str) and child.strip():
            node.refuse("there is text between its elements.")
    return [child for child in node.children if isinstance(child, Node)]


def _value(node: Node, type: str) -> tuple[Any, dict[str, Any]]:
    """The JSON value and, of a primitive, what goes under `_name`."""
    if type == "xhtml":
        return serialise(node), {}
    if type in primitive_types():
        return _primitive(node, type)
    if type in _RESOURCE:
        inner = _elements(node)
        if len(inner) != 1 or node.attributes:
            node.refuse("it holds one resource.")
        return _resource(inner[0]), {}
    return _object(node, type.removeprefix("@")), {}


def _primitive(node: Node, type: str) -> tuple[Any, dict[str, Any]]:
    rest = Node(
        node.namespace,
        node.name,
        {name: text for name, text in node.attributes.items() if name != "value"},
        node.line,
        node.column,
        node.children,
    )
    extra = _object(rest, "Element")
    text = node.attributes.get("value")
    if text is None:
        if not extra:
            node.refuse("it has neither a value nor an extension.")
        return None, extra
    return _typed(node, type, text), extra


def _typed(node: Node, type: str, text: str) -> Any:
    if type == "boolean":
        if text not in ("true", "false"):
            node.refuse("its value is true or false.")
        return text == "true"
    if type in _INTEGERS:
        if not _INTEGER.fullmatch(text):
            node.refuse("its value is a whole number.")
        return int(text)
    if type == "decimal":
        if not _DECIMAL.fullmatch(text):
            node.refuse("its value is a number.")
        return ExactDecimal(text) if not _INTEGER.fullmatch(text) or text == "-0" else int(text)
    return text
