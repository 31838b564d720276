"""Referential integrity: no reference to what is not there, no deletion of what is referred to.

A resource written under it keeps its local references in `refs`, so that it protects what it
refers to. Two transactions, one deleting what the other begins to refer to, are not kept apart:
that would make every write for a patient wait for every other. FHIR R4 3.1.0.7, 2.3.0.2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.definitions.elements import resource_types
from fhir_server.errors import Issue, VersionConflict
from fhir_server.resource import Resource
from fhir_server.store.connection import Database
from fhir_server.store.documents import STORED, StoredResource, from_document
from fhir_server.store.encryption import opened

_LOCAL = re.compile(r"([A-Z][A-Za-z]{2,63}/[A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")
_NAMED = 20
"""Referring resources looked at before a deletion is refused: enough to name their types."""


Question = Callable[[StoredResource], Awaitable[bool]]


@dataclass(frozen=True)
class Judge:
    """What whoever writes may be told: that a reference leads to a resource, and who refers."""

    may_refer: Question
    knows: Question


def local_references(resource: Resource, base: str = "") -> dict[str, str]:
    """`Type/id` of every local reference, each with the FHIRPath of its first place.

    References below the server's own `base` are local too. Those into the resource itself, to
    other servers and by `urn:` are not.
    """
    found: dict[str, str] = {}
    for path, text in _references(resource, resource["resourceType"]):
        literal = text.removeprefix(f"{base}/") if base else text
        match = _LOCAL.fullmatch(literal)
        if match is not None and match[1].partition("/")[0] in resource_types():
            found.setdefault(match[1], path)
    return found


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "reference" and isinstance(member, str):
                yield path, member
            elif isinstance(member, dict | list):
                yield from _references(member, f"{path}.{name}")
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _references(one, f"{path}[{place}]")


def dangling(missing: Iterable[tuple[str, str]]) -> VersionConflict:
    """The refusal of references, each given with its path, to what is not there."""
    return VersionConflict(
        "A reference leads nowhere.",
        issues=tuple(
            Issue("conflict", f"{reference} is not on this server.", expression=(path,))
            for reference, path in missing
        ),
    )


async def refuse_referred(
    database: Database, session: AsyncClientSession, deleted: Iterable[str], judge: Judge | None
) -> None:
    """Raise `VersionConflict` if a resource still refers to one of `deleted`.

    The text says how many do and of which types, of those that the judge lets be known.
    """
    for reference in deleted:
        cursor = database["resources"].find(
            {"refs": reference}, STORED, session=session, limit=_NAMED + 1
        )
        found = [
            from_document(one)
            for one in await opened(database, "resources", await cursor.to_list())
        ]
        known = [one for one in found if judge is None or await judge.knows(one)]
        types = Counter(one.type for one in known)
        if found and not types:
            raise VersionConflict(f"{reference} cannot be deleted: it is referred to.")
        if types:
            number = sum(types.values())
            count = f"over {_NAMED}" if number > _NAMED else str(number)
            raise VersionConflict(
                f"{reference} cannot be deleted: {count} resources refer to it "
                f"({', '.join(sorted(types))})."
            )
