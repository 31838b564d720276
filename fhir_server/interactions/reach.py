"""Whether a caller reaches resources, for what shows them otherwise than by a FHIR interaction."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.auth.access import limits
from fhir_server.auth.caller import Caller
from fhir_server.errors import ResourceGone, ResourceNotFound
from fhir_server.interactions.context import Context, Server
from fhir_server.interactions.visibility import require


async def require_reach(
    server: Server, caller: Caller, references: Iterable[str], letter: str, base: str = ""
) -> None:
    """Raise `ResourceNotFound` unless the caller may do `letter` to each of `Type/id`.

    What does not exist yet hides nothing. Raises `NotPermitted` for a type that is not permitted.
    """
    context = Context(server, caller, base, await server.directives.current(caller.directives))
    for reference in references:
        type, _, id = reference.partition("/")
        limits(caller, type, letter)
        try:
            stored = await server.store.read(type, id)
        except (ResourceNotFound, ResourceGone):
            continue
        await require(context, stored, letter)
