"""FHIRPath Patch: add, insert, delete, replace, move. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from fhir_server.errors import InvalidResource, Malformed
from fhir_server.patch.element_path import Place, element_of, places
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
    result: Resource = deepcopy(resource)
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
    held, type, name = _list(resource, operation.text("path"))
    index = operation.number("index")
    if not 0 <= index <= len(held):
        raise InvalidResource("insert names an index that the list does not have.")
    held.insert(index, _built(type, name, operation)[1])


def _delete(resource: Resource, operation: _Operation) -> None:
    found = places(operation.text("path"), resource)
    if len(found) > 1:
        raise InvalidResource("delete takes a path to one element.")
    for place in found:
        _remove(place)


def _remove(place: Place) -> None:
    assert place.holder is not None
    if place.position is None:
        place.holder.pop(place.key)
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
    path = operation.text("path")
    place = _one(resource, path)
    assert place.holder is not None
    if not place.key:
        raise InvalidResource("replace takes a path below the resource.")
    owner, name = _owner(resource, path)
    key, value = _built(owner, name, operation)
    if place.position is not None:
        place.holder[place.key][place.position] = value
        return
    if key != place.key:  # a choice of another type
        _remove(place)
    place.holder[key] = value


def _move(resource: Resource, operation: _Operation) -> None:
    held, _, _ = _list(resource, operation.text("path"))
    source, destination = operation.number("source"), operation.number("destination")
    if not (0 <= source < len(held) and 0 <= destination < len(held)):
        raise InvalidResource("move names an index that the list does not have.")
    held.insert(destination, held.pop(source))


def _one(resource: Resource, path: str) -> Place:
    found = places(path, resource)
    if len(found) != 1:
        raise InvalidResource(f"A path of this patch selects {len(found)} elements, not one.")
    return found[0]


def _owner(resource: Resource, path: str) -> tuple[str, str]:
    """The type that has the element at the end of a path, and the element's name."""
    steps = path.split(".")
    while len(steps) > 1 and "(" in steps[-1]:
        steps.pop()
    name = steps[-1].partition("[")[0]
    owners = places(".".join(steps[:-1]), resource)
    if not owners:
        raise InvalidResource("A path of this patch selects nothing.")
    return owners[0].type, name


def _list(resource: Resource, path: str) -> tuple[list[Any], str, str]:
    type, name = _owner(resource, path)
    owners = places(path.rpartition(".")[0], resource)
    held = owners[0].value.get(name) if len(owners) == 1 else None
    if not isinstance(held, list):
        raise InvalidResource("insert and move take a path to one list.")
    return held, type, name


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
