"""Parameters of an operation: from a Parameters resource, a query string or a bare resource.

https://hl7.org/fhir/R4/operations.html#request and https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from fhir_server.dates import parse_range
from fhir_server.errors import InvalidParameter, InvalidResource, Malformed
from fhir_server.resource import Resource, loads
from fhir_server.validation.structure import check

_VALUE = "value"
_ZONED = re.compile(r"T.*(Z|[+-]\d\d:\d\d)$")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CARRIED = ("resource", "part")
PARAMETERS = "Parameters"


@dataclass(frozen=True)
class Parameter:
    """One parameter. `type` is that of `value[x]` ("Meta", "Code"), None from a query string."""

    name: str
    value: Any = None
    type: str | None = None
    resource: Any = None


class OperationParameters:
    """All parameters of one request."""

    def __init__(self, parameters: Iterable[Parameter] = ()) -> None:
        self._all = tuple(parameters)

    @property
    def names(self) -> frozenset[str]:
        """The names that occur."""
        return frozenset(one.name for one in self._all)

    def without(self, names: Iterable[str]) -> OperationParameters:
        """The others."""
        left_out = frozenset(names)
        return OperationParameters(one for one in self._all if one.name not in left_out)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Name and text of every primitive, in order."""
        return tuple((one.name, _text(one.value)) for one in self._all if _is_primitive(one.value))

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a primitive that may repeat. Raises `InvalidParameter`."""
        found = [one for one in self._all if one.name == name]
        if not all(_is_primitive(one.value) for one in found):
            raise InvalidParameter(f"{name} takes a primitive value.")
        return tuple(_text(one.value) for one in found)

    def text(self, name: str) -> str | None:
        """The text of a primitive. Raises `InvalidParameter` when it stands twice."""
        found = self.texts(name)
        if len(found) > 1:
            raise InvalidParameter(f"{name} may stand once only.")
        return found[0] if found else None

    def flag(self, name: str) -> bool:
        """A boolean, false when absent. Raises `InvalidParameter`."""
        text = self.text(name) or "false"
        if text not in ("true", "false"):
            raise InvalidParameter(f"{name} is true or false.")
        return text == "true"

    def positive(self, name: str) -> int | None:
        """A positiveInt. Raises `InvalidParameter`."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0):
            raise InvalidParameter(f"{name} takes a whole number above zero.")
        return int(text)

    def instant(self, name: str) -> datetime | None:
        """An instant. Raises `InvalidParameter` when it has no time zone."""
        text = self.text(name)
        if text is None:
            return None
        found = parse_range(text)
        if found is None or not _ZONED.search(text):
            raise InvalidParameter(f"{name} takes an instant with a time zone.")
        return found[0]

    def resource(self, name: str) -> Any:
        """The resource of a parameter, None without one."""
        return next((one.resource for one in self._all if one.name == name), None)

    def complex(self, name: str, type: str) -> Resource:
        """The value of a required parameter of a complex type, checked against its definition.

        Raises `InvalidParameter` when it is absent, repeated or of another type, and
        `InvalidResource` with every problem of the value.
        """
        found = [one for one in self._all if one.name == name]
        if len(found) != 1 or found[0].type != type or not isinstance(found[0].value, dict):
            raise InvalidParameter(
                f"Send one parameter {name} with a value{type}, in a Parameters resource."
            )
        value: Resource = found[0].value
        carrier = {"name": name, f"{_VALUE}{type}": value}
        issues = check({"resourceType": PARAMETERS, "parameter": [carrier]})
        if any(issue.severity in ("fatal", "error") for issue in issues):
            raise InvalidResource(f"{name} breaks the rules of {type}.", issues=issues)
        return value


def read_parameters(
    body: bytes, query: Iterable[tuple[str, str]], *, bare: bool, subject: str | None = None
) -> OperationParameters:
    """The parameters in a request's body and query.

    With `bare`, a body that is no Parameters stands for the parameter `resource`. A Parameters
    resource may itself be what the operation is about, when the address says so by `subject`.
    Raises `Malformed`.
    """
    found = [Parameter(name, value) for name, value in query]
    if not body.strip():
        return OperationParameters(found)
    content = loads(body)
    if not isinstance(content, dict):
        raise Malformed("The body is not a JSON object.")
    about = subject if bare else None
    if content.get("resourceType") == PARAMETERS and not _is_subject(content, about):
        return OperationParameters([*found, *_listed(content)])
    if not bare:
        raise Malformed("This operation takes a Parameters resource.", expression=("resourceType",))
    return OperationParameters([*found, Parameter("resource", resource=content)])


def _is_subject(content: Resource, subject: str | None) -> bool:
    if subject != PARAMETERS:
        return False
    listed = content.get("parameter")
    entries = listed if isinstance(listed, list) else []
    return not any(isinstance(one, dict) and one.get("name") == "resource" for one in entries)


def _listed(content: Resource) -> list[Parameter]:
    entries = content.get("parameter", [])
    if not isinstance(entries, list):
        raise Malformed("Parameters.parameter is a list.", expression=("Parameters.parameter",))
    return [_parameter(position, entry) for position, entry in enumerate(entries)]


def _parameter(position: int, entry: Any) -> Parameter:
    where = (f"Parameters.parameter[{position}]",)
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise Malformed("A parameter has a name.", expression=where)
    values = [key for key in entry if key.startswith(_VALUE)]
    carried = [key for key in _CARRIED if key in entry]
    if len(values) + len(carried) != 1:  # invariant inv-1 of Parameters
        raise Malformed("A parameter has one of a value, a resource and parts.", expression=where)
    if not all(_is_unicode(text) for text in (name, entry.get(next(iter(values), "")))):
        raise Malformed("A parameter contains half of a surrogate pair.", expression=where)
    if values:
        return Parameter(name, entry[values[0]], values[0].removeprefix(_VALUE))
    return Parameter(name, resource=entry.get("resource"))


def _is_unicode(value: Any) -> bool:
    return not isinstance(value, str) or value.isascii() or not _SURROGATE.search(value)


def _is_primitive(value: Any) -> bool:
    return isinstance(value, str | bool | int | Decimal)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", value))
