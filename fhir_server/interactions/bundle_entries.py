"""The entries of a transaction or batch, read as interactions. FHIR R4 3.1.0.11."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from fhir_server.definitions.elements import resource_types
from fhir_server.errors import FhirError, Malformed, NotSupported, ResourceNotFound, TooLarge
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import FhirRequest
from fhir_server.resource import Resource

OPERATION = "operation"
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""When a method's entries are processed within a transaction (3.1.0.11.2)."""

_CARRYING = ("POST", "PUT", "PATCH")
_CONDITIONS = ("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince")
_INTERACTIONS = {
    ("POST", 1, False): "create",
    ("PUT", 1, False): "update",
    ("PUT", 2, False): "update",
    ("PATCH", 1, False): "patch",
    ("PATCH", 2, False): "patch",
    ("DELETE", 1, False): "delete",
    ("DELETE", 2, False): "delete",
    ("GET", 0, False): "search-system",
    ("GET", 1, False): "search-type",
    ("GET", 2, False): "read",
    ("GET", 1, True): "history-system",
    ("GET", 2, True): "history-type",
    ("GET", 3, True): "history-instance",
    ("GET", 4, True): "vread",
}
"""By method, parts of the path, and whether `_history` is the part after type and id, if any."""


@dataclass(frozen=True)
class BundleEntry:
    """One entry. `match` is the resource that its condition found, as `Type/id`."""

    position: int
    method: str
    request: FhirRequest
    resource: Resource | None
    full_url: str | None
    match: str | None = None

    @property
    def creates(self) -> bool:
        """Whether it is a create: its resource gets an id from the server."""
        return self.request.interaction == "create"

    @property
    def reference(self) -> str:
        """`Type/id` of what its address names."""
        return f"{self.request.type}/{self.request.id}"


def entries_in(
    body: Any, base: str, limit: int, *, prefer: str = ""
) -> list[BundleEntry | FhirError]:
    """The entries of a Bundle; of a batch an entry may be wrong by itself, which is its error.

    `prefer` is the header of the whole request, which every entry goes by.

    Raises `Malformed` and `NotSupported` otherwise, and `TooLarge` over `limit` entries.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise Malformed("The base address takes a Bundle.", expression=("resourceType",))
    if body.get("type") not in ("transaction", "batch"):
        raise Malformed(
            "The base address takes a Bundle of type transaction or batch.",
            expression=("Bundle.type",),
        )
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise Malformed("Bundle.entry must be a list.", expression=("Bundle.entry",))
    if len(entries) > limit:
        raise TooLarge(f"A bundle here has at most {limit} entries; this one has {len(entries)}.")
    if body["type"] == "transaction":
        return [_parse(position, entry, base, prefer) for position, entry in enumerate(entries)]
    return [_parse_alone(position, entry, base, prefer) for position, entry in enumerate(entries)]


def _parse_alone(position: int, entry: Any, base: str, prefer: str) -> BundleEntry | FhirError:
    try:
        return _parse(position, entry, base, prefer)
    except FhirError as error:
        return error


def _parse(position: int, entry: Any, base: str, prefer: str) -> BundleEntry:
    where = f"Bundle.entry[{position}]"
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise Malformed("Every entry needs a request.", expression=(where,))
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or method not in ORDER or not isinstance(url, str):
        raise NotSupported(
            f"An entry's request needs a url and one of the methods {', '.join(ORDER)}.",
            expression=(f"{where}.request",),
        )
    if not all(isinstance(request.get(name, ""), str) for name in _CONDITIONS):
        raise Malformed(f"{', '.join(_CONDITIONS)} are texts.", expression=(f"{where}.request",))
    resource, full_url = entry.get("resource"), entry.get("fullUrl")
    asked = _request(method, url.removeprefix(f"{base}/"), request, where)
    carries = method in _CARRYING
    if asked.interaction == OPERATION:
        carries = isinstance(resource, dict)
    if carries != isinstance(resource, dict):
        raise Malformed(
            "POST, PUT and PATCH carry a resource; GET, HEAD and DELETE do not.",
            expression=(where,),
        )
    return BundleEntry(
        position,
        method,
        replace(asked, prefer=prefer),
        resource if isinstance(resource, dict) else None,
        full_url if isinstance(full_url, str) else None,
    )


def _request(method: str, url: str, request: Resource, where: str) -> FhirRequest:
    path, _, query = url.partition("?")
    parts = [part for part in path.strip("/").split("/") if part]
    operation = parts.pop()[1:] if parts and parts[-1][0] == "$" else None
    interaction = OPERATION if operation else _interaction(method, parts)
    if interaction is None:
        raise NotSupported(
            f"{method} on this address is not an interaction.", expression=(f"{where}.request.url",)
        )
    named = [part for part in parts[:2] if part != "_history"]
    if named and named[0] not in resource_types():
        raise ResourceNotFound(
            "FHIR R4 has no resource type of that name.", expression=(f"{where}.request.url",)
        )
    return FhirRequest(
        interaction=interaction,
        type=named[0] if named else None,
        id=logical_id(named[1]) if len(named) > 1 else None,
        version=parts[3] if len(parts) == 4 else None,
        parameters=tuple(parse_qsl(query, keep_blank_values=True)),
        if_match=request.get("ifMatch"),
        if_none_exist=request.get("ifNoneExist"),
        if_none_match=request.get("ifNoneMatch"),
        if_modified_since=request.get("ifModifiedSince"),
        operation=operation or "",
        method=method,
    )


def _interaction(method: str, parts: list[str]) -> str | None:
    method = "GET" if method == "HEAD" else method
    history = "_history" in parts[:3] and parts.index("_history") in (2, len(parts) - 1)
    return _INTERACTIONS.get((method, len(parts), history))
