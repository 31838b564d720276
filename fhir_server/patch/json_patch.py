"""JSON Patch on parsed FHIR JSON: RFC 6902 over RFC 6901 pointers, all six operations.

Written here because decimals keep their source text (`fhir_server.resource`): the libraries copy
values with `copy.deepcopy`, which gives a decimal another text. FHIR JSON has no empty array or
object, so what a patch leaves empty goes with it. FHIR R4 3.1.0.1.11.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fhir_server.errors import InvalidResource, Malformed
from fhir_server.resource import Resource

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_ESCAPE = re.compile(r"~(?![01])")
_END = "-"


def apply(resource: Resource, operations: Any) -> Resource:
    """The patched copy of `resource`, which stays as it is.

    Raises `Malformed` when `operations` is no JSON Patch, and `InvalidResource` when one of them
    does not fit the resource or a test fails; the texts name operation and pointer, never a value.
    """
    if not isinstance(operations, list):
        raise Malformed("A JSON Patch is a list of operations.")
    patched: Any = copied(resource)
    for number, operation in enumerate(operations):
        patched = _Operation(number, operation).apply(patched)
    if not isinstance(patched, dict):
        raise InvalidResource("The patch leaves no resource.")
    left: Resource = _without_empty(patched)
    return left


def copied(value: Any) -> Any:
    """A copy that shares no list or object with `value`; decimals keep their text."""
    if isinstance(value, dict):
        return {name: copied(member) for name, member in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value


class _Operation:
    """One operation of a patch."""

    def __init__(self, number: int, operation: Any) -> None:
        self._name = f"Operation {number}"
        if not isinstance(operation, dict):
            raise Malformed(f"{self._name} is not an object.")
        self._members = operation
        op = operation.get("op")
        self._run = self._known().get(op) if isinstance(op, str) else None
        if self._run is None:
            raise Malformed(f"{self._name} has no op, or one that is none of RFC 6902.")
        self._path = self._pointer("path")

    def apply(self, document: Any) -> Any:
        """The document after this operation, changed in place except at its root."""
        assert self._run is not None
        return self._run(document)

    def _known(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "add": lambda document: self._add(document, self._path, copied(self._value())),
            "remove": lambda document: self._remove(document, self._path)[0],
            "replace": self._replace,
            "move": self._move,
            "copy": self._copy,
            "test": self._test,
        }

    def _pointer(self, member: str) -> list[str]:
        text = self._members.get(member)
        if not isinstance(text, str) or (text and text[0] != "/") or _ESCAPE.search(text):
            raise Malformed(f"{self._name} needs a JSON pointer as {member}.")
        return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]

    def _value(self) -> Any:
        if "value" not in self._members:
            raise Malformed(f"{self._name} needs a value.")
        return self._members["value"]

    def _add(self, document: Any, path: list[str], value: Any) -> Any:
        if not path:
            return value
        parent, last = self._get(document, path[:-1]), path[-1]
        if isinstance(parent, dict):
            parent[last] = value
        elif isinstance(parent, list):
            place = len(parent) if last == _END else self._index(last, len(parent) + 1)
            parent.insert(place, value)
        else:
            raise self._nowhere()
        return document

    def _remove(self, document: Any, path: list[str]) -> tuple[Any, Any]:
        """The document without what is at `path`, and that."""
        if not path:
            return None, document
        parent, last = self._get(document, path[:-1]), path[-1]
        if isinstance(parent, dict) and last in parent:
            return document, parent.pop(last)
        if isinstance(parent, list):
            return document, parent.pop(self._index(last, len(parent)))
        raise self._nowhere()

    def _replace(self, document: Any) -> Any:
        value = copied(self._value())
        if not self._path:
            return value
        parent, last = self._get(document, self._path[:-1]), self._path[-1]
        if isinstance(parent, dict) and last in parent:
            parent[last] = value
        elif isinstance(parent, list):
            parent[self._index(last, len(parent))] = value
        else:
            raise self._nowhere()
        return document

    def _move(self, document: Any) -> Any:
        source = self._pointer("from")
        if source == self._path[: len(source)] and len(source) < len(self._path):
            raise InvalidResource(f"{self._name} moves something into itself.")
        if source == self._path:
            self._get(document, source)
            return document
        document, moved = self._remove(document, source)
        return self._add(document, self._path, moved)

    def _copy(self, document: Any) -> Any:
        found = self._get(document, self._pointer("from"))
        return self._add(document, self._path, copied(found))

    def _test(self, document: Any) -> Any:
        if not _equal(self._get(document, self._path), self._value()):
            raise InvalidResource(f"{self._name}: the test does not hold.")
        return document

    def _get(self, document: Any, path: list[str]) -> Any:
        for part in path:
            if isinstance(document, dict) and part in document:
                document = document[part]
            elif isinstance(document, list):
                document = document[self._index(part, len(document))]
            else:
                raise self._nowhere()
        return document

    def _index(self, text: str, size: int) -> int:
        if not _INDEX.fullmatch(text) or int(text) >= size:
            raise self._nowhere()
        return int(text)

    def _nowhere(self) -> InvalidResource:
        return InvalidResource(f"{self._name}: there is nothing at its pointer.")


def _equal(one: Any, other: Any) -> bool:
    """Equality of RFC 6902 4.6: numbers by value, and `true` is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        members = {name: _without_empty(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member not in ({}, [])}
    if isinstance(value, list):
        return [one for one in map(_without_empty, value) if one not in ({}, [])]
    return value
