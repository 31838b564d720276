"""The collections beside the resources: names, ledgers, and moves of references under way.

`hl7v2_names` has one document for each identity that a message called something by: `_id` the hash
of type, system and value, `ref` the resource. Two messages that call the same new thing by one
name at once write one document, so one of them starts again and finds what the other has made.
`hl7v2_ledgers` is described in `writing/ledger.py`. `hl7v2_moves` has one document for each merge
whose references are still being moved: `_id` the retired resource, `to` the survivor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, CollectionInvalid

from fhir_server.store import UnitOfWork
from fhir_server.store.connection import Database
from fhir_server.store.locks import Overtaken

Document = dict[str, Any]
NAMES, LEDGERS, MOVES = "hl7v2_names", "hl7v2_ledgers", "hl7v2_moves"
_DUPLICATE_KEY = 11000


async def prepare(database: Database) -> None:
    """Create what is missing: a transaction may not create a collection."""
    there = set(await database.list_collection_names())
    for name in (NAMES, LEDGERS, MOVES):
        if name not in there:
            try:
                await database.create_collection(name)
            except CollectionInvalid:  # another process was quicker
                continue


async def names(unit: UnitOfWork, ids: Iterable[str]) -> dict[str, str]:
    """What the names mean, as far as they are known."""
    wanted = {"_id": {"$in": list(ids)}}
    found = await unit.database[NAMES].find(wanted, session=unit.session).to_list()
    return {one["_id"]: one["ref"] for one in found}


async def name(unit: UnitOfWork, meanings: Mapping[str, str]) -> None:
    """Remember new names. Raises `Overtaken` when another message was quicker with one."""
    if not meanings:
        return
    rows = [{"_id": id, "ref": reference} for id, reference in meanings.items()]
    try:
        await unit.database[NAMES].insert_many(rows, session=unit.session)
    except BulkWriteError as error:
        faults = (error.details or {}).get("writeErrors", ())
        if error.code == _DUPLICATE_KEY or any(one.get("code") == _DUPLICATE_KEY for one in faults):
            raise Overtaken("The same thing was named at the same time.") from None
        raise


async def ledgers(unit: UnitOfWork, references: Iterable[str]) -> dict[str, Document]:
    """The ledgers of resources, as far as there are any."""
    wanted = {"_id": {"$in": list(references)}}
    found = await unit.database[LEDGERS].find(wanted, session=unit.session).to_list()
    return {one["_id"]: one for one in found}


async def keep(unit: UnitOfWork, new: Iterable[Document], changed: Iterable[Document]) -> None:
    """Store ledgers. Raises `Overtaken` when another message was quicker with a new one."""
    made, known = list(new), list(changed)
    try:
        if made:
            await unit.database[LEDGERS].insert_many(made, session=unit.session)
        if known:
            await unit.database[LEDGERS].bulk_write(
                [ReplaceOne({"_id": one["_id"]}, one) for one in known], session=unit.session
            )
    except BulkWriteError as error:
        faults = (error.details or {}).get("writeErrors", ())
        if any(one.get("code") == _DUPLICATE_KEY for one in faults):
            raise Overtaken("The same resource was written at the same time.") from None
        raise


async def identified(
    unit: UnitOfWork, type: str, keys: Iterable[str]
) -> list[tuple[str, frozenset[str]]]:
    """Resources of `type` with one of the search keys: reference and their keys, oldest first."""
    # What is deleted has no keys. One more condition, and SecantusDB takes no index: on 1,200
    # resources 8 ms in place of 0.3.
    wanted = {"type": type, "k": {"$in": list(keys)}}
    cursor = unit.database["resources"].find(wanted, {"k": 1, "lu": 1}, session=unit.session)
    found = sorted(await cursor.to_list(), key=lambda one: (one["lu"], one["_id"]))
    return [(one["_id"], frozenset(one["k"])) for one in found]


async def referring(
    unit: UnitOfWork, reference: str, without: Iterable[str], limit: int
) -> list[str]:
    """Current resources that refer to `reference`, those of the types `without` left out."""
    found: dict[str, None] = {}
    for field in ("pat", "pats", "refs"):
        if len(found) >= limit:
            break
        wanted = {field: reference, "type": {"$nin": list(without)}, "deleted": False}
        wanted["_id"] = {"$ne": reference}
        cursor = unit.database["resources"].find(
            wanted, {"_id": 1}, session=unit.session, limit=limit
        )
        found.update([(one["_id"], None) async for one in cursor])
    return list(found)[:limit]


async def naming(
    unit: UnitOfWork, patient: str, keys: Iterable[str], types: Iterable[str], limit: int
) -> list[str]:
    """Current resources of a patient with one of the search keys, and all of certain types."""
    found: dict[str, None] = {}
    for wanted in ({"k": {"$in": list(keys)}}, {"type": {"$in": list(types)}}):
        cursor = unit.database["resources"].find(
            {"pat": patient, **wanted, "deleted": False}, {"_id": 1}, session=unit.session,
            limit=limit,
        )  # fmt: skip
        found.update([(one["_id"], None) async for one in cursor])
    return list(found)


async def of_patient(unit: UnitOfWork, patient: str, type: str, limit: int) -> list[str]:
    """Current resources of one type in the compartment of a patient."""
    wanted = {"pat": patient, "type": type, "deleted": False}
    cursor = unit.database["resources"].find(wanted, {"_id": 1}, session=unit.session, limit=limit)
    return [one["_id"] async for one in cursor]


async def begin_move(unit: UnitOfWork, old: str, new: str) -> None:
    """Remember that references are to be moved."""
    await unit.database[MOVES].update_one(
        {"_id": old}, {"$set": {"to": new}}, upsert=True, session=unit.session
    )


async def end_move(unit: UnitOfWork, old: str) -> None:
    """All of them are."""
    await unit.database[MOVES].delete_one({"_id": old}, session=unit.session)


async def moves(database: Database) -> dict[str, str]:
    """What is still to be moved, and where to."""
    return {one["_id"]: one["to"] async for one in database[MOVES].find()}
