"""Pages of resources or of their versions by lastUpdated, and which versions were current when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.dates import Range
from fhir_server.store.connection import Database
from fhir_server.store.documents import Document, StoredResource, from_document
from fhir_server.store.encryption import opened

Position = tuple[datetime, str]
"""Where a page ended: the last entry's `lu` and `_id`."""

_CHUNK = 50
"""Versions read at once when some of them will be left out; `$in` of more is slow on SecantusDB."""


@dataclass(frozen=True)
class Page:
    """Some versions and, if there are more, where the next page begins."""

    entries: tuple[StoredResource, ...]
    next: Position | None


async def page(
    database: Database,
    collection: str,
    condition: dict[str, Any],
    *,
    count: int,
    after: Position | None,
    ascending: bool = False,
    session: AsyncClientSession | None = None,
) -> Page:
    """Documents of `resources` or `history` that match `condition`, by lastUpdated and id."""
    direction = 1 if ascending else -1
    where = _beyond(condition, after, "$gt" if ascending else "$lt")
    cursor = database[collection].find(where, session=session)
    found = await cursor.sort([("lu", direction), ("_id", direction)]).limit(count + 1).to_list()
    return await _paged(database, collection, found, count)


async def current_during(
    database: Database,
    condition: dict[str, Any],
    period: Range,
    *,
    count: int,
    after: Position | None,
) -> Page:
    """Versions, newest first, that were current at some moment of `period`.

    A version is current from its lastUpdated until that of the next one. FHIR R4 3.1.0.12, `_at`.
    """
    start, end = period
    history = database["history"]
    where = {"$and": [condition, {"lu": {"$lt": end}}]}
    found: list[Document] = []
    while len(found) <= count:
        cursor = history.find(_beyond(where, after, "$lt"))
        chunk = await cursor.sort([("lu", -1), ("_id", -1)]).limit(_CHUNK).to_list()
        old = [_next_id(one) for one in chunk if one["lu"] < start]
        replaced = history.find({"_id": {"$in": old}, "lu": {"$lte": start}}, {"_id": 1})
        ended = {one["_id"] async for one in replaced} if old else set()
        found += [one for one in chunk if one["lu"] >= start or _next_id(one) not in ended]
        if len(chunk) < _CHUNK:
            break
        after = (chunk[-1]["lu"], chunk[-1]["_id"])
    return await _paged(database, "history", found[: count + 1], count)


def _next_id(document: Document) -> str:
    return f"{document['type']}/{document['id']}/{document['v'] + 1}"


def _beyond(condition: dict[str, Any], after: Position | None, beyond: str) -> dict[str, Any]:
    if after is None:
        return condition
    moment, id = after
    resume = [{"lu": {beyond: moment}}, {"lu": moment, "_id": {beyond: id}}]
    return {"$and": [condition, {"$or": resume}]}


async def _paged(database: Database, collection: str, found: list[Document], count: int) -> Page:
    last = found[count - 1] if len(found) > count and count else None
    return Page(
        tuple(from_document(one) for one in await opened(database, collection, found[:count])),
        (last["lu"], last["_id"]) if last else None,
    )
