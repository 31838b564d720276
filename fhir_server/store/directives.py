"""Consent directives as stored: all of them once, then those that changed.

A write of one moves a counter in its own transaction and leaves under it what it wrote. Whoever
looks at the counter knows with one small read that nothing changed, or what did.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.resource import Resource, loads
from fhir_server.store.connection import Database
from fhir_server.store.documents import StoredResource
from fhir_server.store.encryption import opened

REVISION = "directives"
"""The counter's id. It is kept beside the tokens, so that who asks and whether a directive changed
are one look at the beginning of a request."""
_SCOPE = "patient-privacy"
_GROUPS = frozenset({"CareTeam", "Group", "PractitionerRole"})
"""Types that say who an actor of a directive stands for."""

_BODY = {"type": 1, "id": 1, "v": 1, "raw": 1}
_PAGE = 200

DECIDING = _GROUPS | {"Consent"}
"""Types whose writes may change who sees what."""


class DirectiveStore:
    """The Consents of one database that are directives about privacy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """The counter; 0 before the first directive."""
        found = await self._database["tokens"].find_one({"_id": REVISION})
        return int(found["revision"]) if found else 0

    async def changed(self, since: int) -> frozenset[str]:
        """References of what was written since the counter stood at `since`."""
        cursor = self._database["directive_changes"].find({"at": {"$gt": since}}, {"_id": 1})
        return frozenset([one["_id"] async for one in cursor])

    async def directives(
        self, references: Iterable[str] | None = None
    ) -> AsyncIterator[tuple[str, Resource]]:
        """Directives that exist, by reference: those named, or all."""
        where: dict[str, Any] = {"type": "Consent", "deleted": False}
        if references is not None:
            where["_id"] = {"$in": list(references)}
        async for resource in self._found(where):
            if is_directive(resource):
                yield f"Consent/{resource['id']}", resource

    async def stored(self, references: Iterable[str]) -> AsyncIterator[Resource]:
        """Those of the resources that exist."""
        async for resource in self._found({"_id": {"$in": list(references)}, "deleted": False}):
            yield resource

    async def roles_at(self, organization: str) -> AsyncIterator[Resource]:
        """The PractitionerRoles at an organisation."""
        where = {
            "type": "PractitionerRole",
            "k": f"organization={organization}",
            "deleted": False,
        }
        async for resource in self._found(where):
            yield resource

    async def _found(self, where: dict[str, Any]) -> AsyncIterator[Resource]:
        """What `where` selects, page by page: opening many at once costs one thread hop."""
        found = self._database["resources"].find(where, _BODY)
        while page := await found.to_list(_PAGE):
            for one in await opened(self._database, "resources", page):
                yield loads(bytes(one["raw"]))


def is_directive(resource: Resource) -> bool:
    """Whether a Consent is about privacy, and not of a category that is about something else."""
    if resource["resourceType"] != "Consent":
        return False
    scopes = {one.get("code") for one in resource.get("scope", {}).get("coding", ())}
    kinds = {
        (one.get("system"), one.get("code"))
        for category in resource.get("category", ())
        for one in category.get("coding", ())
    }
    return _SCOPE in scopes and not kinds & _other_categories()


async def note(
    database: Database,
    session: AsyncClientSession,
    stored: StoredResource,
    before: StoredResource | None,
) -> None:
    """Tell every process, in the transaction that writes it, that a directive changed."""
    if stored.type != "Consent" and stored.type not in _GROUPS:
        return
    versions = [one.resource() for one in (stored, before) if one is not None and one.raw]
    if stored.type == "Consent" and not any(is_directive(one) for one in versions):
        return
    await database["tokens"].update_one(
        {"_id": REVISION}, {"$inc": {"revision": 1}}, upsert=True, session=session
    )
    found = await database["tokens"].find_one({"_id": REVISION}, session=session)
    assert found is not None
    await database["directive_changes"].update_one(
        {"_id": stored.reference},
        {"$set": {"at": found["revision"]}},
        upsert=True,
        session=session,
    )


@cache
def _other_categories() -> frozenset[tuple[str, str]]:
    text = files("fhir_server.store").joinpath("data", "other_consents.json").read_text("utf-8")
    return frozenset((one["system"], one["code"]) for one in json.loads(text)["categories"])
