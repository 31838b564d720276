"""What a message is made of: the version written, the one before, and what they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir_server.errors import ResourceGone, ResourceNotFound
from fhir_server.fhirpath import Node, root
from fhir_server.resource import Resource
from fhir_server.store import MongoStore

_LOCAL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_DEPTH = 2
"""A note, its visit, and who took part in it."""

_RETELLS = frozenset({"Composition", "DiagnosticReport"})
"""Types whose own text says what the resources say that they refer to."""

_MOST = 300
"""Resources read for one message: a panel of two hundred results with what they refer to."""


@dataclass(frozen=True)
class Gathered:
    """`resource` is the version written, of a deletion the one that was deleted."""

    resource: Resource
    before: Resource | None
    event: str
    others: dict[str, Resource] = field(default_factory=dict)
    used: set[str] = field(default_factory=set, compare=False)

    def resolve(self, reference: str) -> Node | None:
        """The resource of a local reference, as far as it was there; that it was used is noted."""
        bare = reference.partition("/_history/")[0]
        found = self.others.get(bare)
        if found is None:
            return None
        self.used.add(bare)
        return root(found)

    def sources(self) -> tuple[str, ...]:
        """The versions, `Type/id/_history/3`, that a message made of it tells of."""
        used = set(self.used)
        if self.resource["resourceType"] in _RETELLS:
            used |= self.others.keys() & set(_references(self.resource))
        told = (self.resource, *(self.others[name] for name in sorted(used)))
        return tuple(dict.fromkeys(_versioned(one) for one in told))


async def written(store: MongoStore, reference: str, version: int, event: str) -> Gathered | None:
    """The version that an event tells of and the one before; None when there is neither."""
    type, _, id = reference.partition("/")
    before = await _version(store, type, id, version - 1)
    current = before if event == "delete" else await _version(store, type, id, version)
    return None if current is None else Gathered(current, before, event)


async def with_others(store: MongoStore, gathered: Gathered) -> Gathered:
    """The same with the current versions of what it refers to, and what those refer to."""
    others: dict[str, Resource] = {}
    layer = [gathered.resource]
    for _ in range(_DEPTH):
        wanted = {one for resource in layer for one in _references(resource)} - others.keys()
        found = {one: await _current(store, one) for one in sorted(wanted)[: _MOST - len(others)]}
        layer = [one for one in found.values() if one is not None]
        others.update({name: one for name, one in found.items() if one is not None})
    return Gathered(gathered.resource, gathered.before, gathered.event, others)


def _versioned(resource: Resource) -> str:
    version = resource["meta"]["versionId"]
    return f"{resource['resourceType']}/{resource['id']}/_history/{version}"


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        reference = part.get("reference")
        if isinstance(reference, str):
            bare = reference.partition("/_history/")[0]
            if _LOCAL.fullmatch(bare):
                yield bare
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for one in part:
            yield from _references(one)


async def _version(store: MongoStore, type: str, id: str, version: int) -> Resource | None:
    try:
        return (await store.vread(type, id, version)).resource()
    except (ResourceGone, ResourceNotFound):
        return None


async def _current(store: MongoStore, reference: str) -> Resource | None:
    type, _, id = reference.partition("/")
    try:
        return (await store.read(type, id)).resource()
    except (ResourceGone, ResourceNotFound):
        return None
