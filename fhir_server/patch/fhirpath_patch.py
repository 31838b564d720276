"""FHIRPath Patch: add, insert, delete, replace, move. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir_server.errors import InvalidResource, Malformed
from fhir_server.patch.element_path import Place, element_of, owner_path, places
from fhir_server.patch.json_patch import copied
from fhir_server.resource import Resource

_VALUE = "value"


@dataclass
class _Operation:
    """The parts of one operation. `type` of the value is that of `value[x]`, None of parts."""

    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    value: Any = None
    type: str | None = None
    parts: list[Any] | None = None

    def text(self, name: str) -> str:
        if name not in self.texts:
            raise Malformed(f"An operation of this patch lacks its {name}.")
        return self.texts[name]

    def number(self, name: str) -> int:
        if name not in self.numbers:
            raise Malformed(f"An operation of this patch lacks its {name}.")
        return self.numbers[name]


def apply(resource: Resource, parameters: Resource) -> Resource:
    """`resource` with the patch applied; the resource given is left as it is.

    Raises `Malformed` for what is no patch, `InvalidResource` for what does not fit the resource.
    """
    result: Resource = copied(resource)
    for parameter in parameters.get("parameter") or [{}]:
        if parameter.get("name") != "operation":
            raise Malformed("A FHIRPath Patch has parameters called operation.")
        operation = _read(parameter.get("part", []))
        run = _OPERATIONS.get(operation.text("type"))
        if run is None:
            raise Malformed(f"An operation's type is one of: {', '.join(_OPERATIONS)}.")
        run(result, operation)
    return result


def _read(parts: list[Any]) -> _Operation:
    operation = _Operation()
    for part in parts:
        name, kind, value = _valued(part)
        if name == _VALUE:
            operation.value, operation.type = value, kind
            operation.parts = part.get("part")
        elif isinstance(value, str):
            operation.texts[name] = value
        elif isinstance(value, int) and not isinstance(value, bool):
            operation.numbers[name] = value
        else:
            raise Malformed("A part of an operation has no value of the type it needs.")
    return operation


def _valued(part: Any) -> tuple[str, str | None, Any]:
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise Malformed("A part of an operation has no name.")
    for key, value in part.items():
        if key.startswith(_VALUE):
            return part["name"], key.removeprefix(_VALUE), value
    return part["name"], None, None


def _add(resource: Resource, operation: _Operation) -> None:
    place = _one(resource, operation.text("path"))
    holder, name = place.value, operation.text("name")
    if not isinstance(holder, dict):
        raise InvalidResource("add goes to an element that has elements.")
    element = element_of(place.type, name)
    key, value = _built(place.type, name, operation)
    if element.many:
        holder.setdefault(key, []).append(value)
    elif any(_is(place.type, name, member) for member in holder):
        raise InvalidResource(f"{name} is there already: use replace.")
    else:
        holder[key] = value


def _is(type: str, name: str, member: str) -> bool:
    element = element_of(type, name)
    keys = {name + one[0].upper() + one[1:] for one in element.types} if element.choice else {name}
    return member in keys


def _insert(resource: Resource, operation: _Operation) -> None:
    listed = _list(resource, operation.text("path"))
    index = operation.number("index")
    held = listed.holder.get(listed.key, [])
    if not 0 <= index <= len(held):
        raise InvalidResource("insert names an index that the list does not have.")
    value = _built(listed.owner, listed.key, operation)[1]
    listed.holder.setdefault(listed.key, held).insert(index, value)
    extras = listed.holder.get(f"_{listed.key}")
    if extras is not None and index < len(extras):
        extras.insert(index, None)


def _delete(resource: Resource, operation: _Operation) -> None:
    found = places(operation.text("path"), resource)
    if len(found) > 1:
        raise InvalidResource("delete takes a path to one element.")
    for place in found:
        _remove(place)


def _remove(place: Place) -> None:
    if place.holder is None:
        raise InvalidResource("delete takes a path below the resource.")
    if place.position is None:
        place.holder.pop(place.key, None)
        place.holder.pop(f"_{place.key}", None)
        return
    held = place.holder[place.key]
    extras = place.holder.get(f"_{place.key}")
    held.pop(place.position)
    if extras is not None and place.position < len(extras):
        extras.pop(place.position)
    if not held:
        place.holder.pop(place.key)
        place.holder.pop(f"_{place.key}", None)


def _replace(resource: Resource, operation: _Operation) -> None:
    place = _one(resource, operation.text("path"))
    if place.holder is None:
        raise InvalidResource("replace takes a path below the resource.")
    key, value = _built(place.owner, place.name, operation)
    if place.position is None:
        _remove(place)  # a choice may change its type, and extensions go with the value
        place.holder[key] = value
        return
    place.holder[place.key][place.position] = value
    extras = place.holder.get(f"_{place.key}")
    if extras is not None and place.position < len(extras):
        extras[place.position] = None


def _move(resource: Resource, operation: _Operation) -> None:
    listed = _list(resource, operation.text("path"))
    held = listed.holder.get(listed.key, [])
    source, destination = operation.number("source"), operation.number("destination")
    if not (0 <= source < len(held) and 0 <= destination < len(held)):
        raise InvalidResource("move names an index that the list does not have.")
    extras = listed.holder.get(f"_{listed.key}")
    for each in (held, extras):
        if each is not None:
            each += [None] * (len(held) - len(each))
            each.insert(destination, each.pop(source))


def _one(resource: Resource, path: str) -> Place:
    found = places(path, resource)
    if len(found) != 1:
        raise InvalidResource(f"A path of this patch selects {len(found)} elements, not one.")
    return found[0]


@dataclass(frozen=True)
class _Listed:
    """A list element: `holder[key]`, which may be absent, of the type `owner`."""

    holder: dict[str, Any]
    key: str
    owner: str


def _list(resource: Resource, path: str) -> _Listed:
    above, name = owner_path(path)
    owners = places(above, resource)
    if len(owners) != 1 or not isinstance(owners[0].value, dict):
        raise InvalidResource("insert and move take a path to one list.")
    if not element_of(owners[0].type, name).many:
        raise InvalidResource("insert and move take a path to a list.")
    return _Listed(owners[0].value, name, owners[0].type)


def _built(type: str, name: str, operation: _Operation) -> tuple[str, Any]:
    """The JSON property and value of a new element."""
    element = element_of(type, name)
    if operation.type is not None:
        return (name + operation.type if element.choice else name), operation.value
    if operation.parts is None:
        raise Malformed("An operation of this patch lacks its value.")
    if element.choice:
        raise Malformed(f"{name} has a choice of types: give it as value[x].")
    return name, _assembled(element.types[0], operation.parts)


def _assembled(type: str, parts: list[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in parts:
        name, kind, value = _valued(part)
        inner = _Operation(value=value, type=kind, parts=part.get("part"))
        key, built = _built(type, name, inner)
        if element_of(type, name).many:
            made.setdefault(key, []).append(built)
        else:
            made[key] = built
    return made


_OPERATIONS: dict[str, Callable[[Resource, _Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
