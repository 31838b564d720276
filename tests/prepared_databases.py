"""Databases that one test after another uses: to create the collections and indexes of a server
costs ten times what emptying them does."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from fhir_server.store.connection import Database

_WRITES = {"insert": "documents", "update": "updates", "delete": "deletes", "findAndModify": ""}
"""Commands, and what holds their writes where there are many."""
_RESHAPES = ("collMod", "drop", "dropDatabase", "dropIndexes", "renameCollection")
_WORTH_EMPTYING = 300
"""Writes. What a test has written beyond that takes longer to delete than to leave."""


class PreparedDatabases(CommandListener):
    """Empty databases by name. Registered with pymongo, it knows what this process writes where.

    What has been reshaped, holds too much or does not get empty is used no more.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._free: list[str] = []
        self._written: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._reshaped: set[str] = set()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _RESHAPES:
            self._reshaped.add(event.database_name)
        elif event.command_name in _WRITES:
            collection = event.command[event.command_name]
            writes = event.command.get(_WRITES[event.command_name], [None])
            self._written[event.database_name][collection] += len(writes)
        elif event.command_name == "bulkWrite":
            self._bulk(event.command)

    def _bulk(self, command: Mapping[str, Any]) -> None:
        for one in command["nsInfo"]:
            database, _, collection = one["ns"].partition(".")
            self._written[database][collection] += len(command["ops"])

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    def new(self) -> str:
        """The name of a database that nobody has used."""
        self.names.append(f"test_{uuid.uuid4().hex}")
        return self.names[-1]

    def take(self) -> str:
        """The name of an empty database, as good as new but for what is in its catalogue."""
        return self._free.pop() if self._free else self.new()

    async def give_back(self, database: Database) -> None:
        """Empty it for the next one. What another process wrote is seen by what is left."""
        name = database.name
        written = self._written.pop(name, Counter[str]())
        if name in self._reshaped or written.total() > _WORTH_EMPTYING:
            return
        await asyncio.gather(*(database[one].delete_many({}) for one in written))
        self._written.pop(name, None)
        if not (await database.command("dbStats"))["objects"]:
            self._free.append(name)
