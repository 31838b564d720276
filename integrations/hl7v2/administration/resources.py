"""What came of a message, read as whoever looks: scopes, roles, labels and directives hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_server.administration import Actor
from fhir_server.errors import FhirError, NotPermitted, ResourceNotFound
from fhir_server.interactions.context import Context, FhirRequest, Ledger, Server
from fhir_server.interactions.read import read
from fhir_server.resource import loads

Document = dict[str, Any]
SHOWN = 200
"""Most FHIR resources that are shown whole beside one message."""


async def shown_to(
    actor: Actor, server: Server, references: Sequence[str], base: str
) -> dict[str, list[Any]]:
    """`fhir`, the resources that the actor may read, and `withheld`, references of the others.

    Each is a FHIR read, recorded with the others of its chart. What was deleted is in neither.
    """
    ledger: Ledger = []
    context = Context(
        server,
        actor.caller,
        base,
        await server.directives.current(actor.caller.directives),
        request_id=actor.request_id,
        address=actor.address,
        ledger=ledger,
    )
    fhir: list[Document] = []
    withheld: list[str] = []
    for reference in references[:SHOWN]:
        if not await _exists(reference, server):
            continue
        found = await _read(reference, context)
        if found is None:
            withheld.append(reference)
        else:
            fhir.append(found)
    await context.settle(ledger)
    return {"fhir": fhir, "withheld": withheld}


async def _exists(reference: str, server: Server) -> bool:
    # That something came of the message the message itself says: its content is not looked at.
    type, _, id = reference.partition("/")
    try:
        await server.store.read(type, id)
    except FhirError:
        return False
    return True


async def _read(reference: str, context: Context) -> Document | None:
    """The resource, None for what the caller may not read; that is recorded as refused."""
    type, _, id = reference.partition("/")
    request = FhirRequest("read", type=type, id=id)
    try:
        answered = await read(request, context)
    except (NotPermitted, ResourceNotFound) as error:
        await context.refused(request, error)
        return None
    resource: Document = loads(answered.body)
    return resource
