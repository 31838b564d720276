"""The registry of search parameters, kept up with the SearchParameter resources stored here.

Every process looks once a second whether one was written, by a counter that the write itself moves.
A parameter is searchable once a reindex has gone over what was there before it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.clock import Clock
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.resource import loads
from fhir_server.search.custom import by_type, parameters_in
from fhir_server.search.registry import Registry
from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened

LOOK_EVERY = timedelta(seconds=1)
_REVISION = "search-parameters"


class CustomParameters:
    """The registry, loaded from the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._registry = Registry()
        self._revision = 0
        self._looked: datetime | None = None

    @property
    def registry(self) -> Registry:
        """The registry as last loaded."""
        return self._registry

    async def refresh(self, *, now: bool = False) -> Registry:
        """The registry, loaded again if something changed; `now` looks even if it just did."""
        moment = self._clock()
        if not now and self._looked is not None and moment - self._looked < LOOK_EVERY:
            return self._registry
        self._looked = moment
        found = await self._database["registry"].find_one({"_id": _REVISION})
        revision = found["revision"] if found else 0
        if revision != self._revision:
            self._registry = await self._load()
            self._revision = revision
        return self._registry

    async def waiting(self) -> dict[str, str]:
        """By reference and version, the url of every parameter that older resources lack."""
        ready = await self._ready()
        return {
            version: parameter.url
            for version, found in (await self._stored()).items()
            for _, parameter in found
            if version not in ready
        }

    async def indexed(self, versions: list[str]) -> None:
        """Take note that a reindex went over everything with these versions known."""
        for version in versions:
            await self._database["registry"].update_one(
                {"_id": version}, {"$set": {"ready": True}}, upsert=True
            )
        await moved(self._database, None)
        await self.refresh(now=True)

    async def _load(self) -> Registry:
        stored, ready = await self._stored(), await self._ready()
        return Registry(
            by_type(one for found in stored.values() for one in found),
            {one.url for version, found in stored.items() for _, one in found if version in ready},
        )

    async def _stored(self) -> dict[str, tuple[tuple[str, SearchParameter], ...]]:
        cursor = self._database["resources"].find({"type": "SearchParameter", "deleted": False})
        found = await opened(self._database, "resources", await cursor.to_list())
        return {
            f"{one['_id']}/{one['v']}": parameters_in(loads(bytes(one["raw"]))) for one in found
        }

    async def _ready(self) -> set[str]:
        cursor = self._database["registry"].find({"ready": True})
        return {one["_id"] async for one in cursor}


async def moved(database: Database, session: AsyncClientSession | None) -> None:
    """Tell every process that search parameters changed, in the transaction that changes them."""
    await database["registry"].update_one(
        {"_id": _REVISION}, {"$inc": {"revision": 1}}, upsert=True, session=session
    )
