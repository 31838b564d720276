"""Old versions are judged by the newest one too: a label that came later holds for them as well."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.interactions.context import Context
from fhir_server.interactions.visibility import sees
from fhir_server.store import MongoStore, StoredResource


async def seen_with_newest(
    versions: Sequence[StoredResource], context: Context, letter: str
) -> list[StoredResource]:
    """Those of the versions that the caller sees, and of whose resource the newest version too.

    The newest version is the last one with content: a deletion takes no label away.
    """
    own = [one for one in versions if await sees(context, one, letter)]
    references = list(dict.fromkeys(one.reference for one in own))
    newest = await newest_of(references, context.server.store)
    hidden = {name for name, one in newest.items() if not await sees(context, one, letter)}
    return [one for one in own if one.reference not in hidden]


async def newest_of(references: Sequence[str], store: MongoStore) -> dict[str, StoredResource]:
    """The last version with content of each `Type/id`, as far as there is one."""
    found = {one.stored.reference: one.stored for one in await store.searching.current(references)}
    for reference in references:
        if reference not in found:
            type, _, id = reference.partition("/")
            last = (await store.history({"type": type, "id": id}, count=2)).entries
            found |= {one.reference: one for one in last if not one.deleted}
    return found
