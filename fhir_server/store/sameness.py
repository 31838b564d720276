"""Whether an update changes anything: content apart from what the server writes into `meta`."""

from __future__ import annotations

from typing import Any

from fhir_server.resource import ExactDecimal, Resource

_OWN = ("versionId", "lastUpdated")


def same_content(one: Resource, other: Resource) -> bool:
    """Equal but for `meta.versionId` and `meta.lastUpdated`, in whatever order of members.

    `1.0` and `1.00` differ: FHIR R4 2.24.0.1 makes the precision of a decimal part of its value.
    """
    return _same(_without_own(one), _without_own(other))


def _without_own(resource: Resource) -> Resource:
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return resource
    kept = {name: value for name, value in meta.items() if name not in _OWN}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": kept} if kept else rest


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, ExactDecimal) and isinstance(other, ExactDecimal):
        return one.text == other.text
    return bool(one == other)
