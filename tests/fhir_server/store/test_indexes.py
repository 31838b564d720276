"""Indexes that earlier versions made and no query needs any more are dropped."""

from __future__ import annotations

from fhir_server.store.connection import Database
from fhir_server.store.indexes import ensure_indexes


async def test_a_replaced_index_is_dropped(new_database: Database) -> None:
    await new_database["resources"].create_index(
        [("pat", 1), ("type", 1), ("k", 1)], name="patient_keys"
    )
    await ensure_indexes(new_database)
    assert {"keys", "patient"} <= set(there := await new_database["resources"].index_information())
    assert "patient_keys" not in there
    await ensure_indexes(new_database)
