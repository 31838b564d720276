"""Reading single resources for an operation, inside a transaction too."""

from __future__ import annotations

from fhir_server.auth.access import permit
from fhir_server.errors import NotPermitted, ResourceGone, ResourceNotFound
from fhir_server.interactions.context import Context
from fhir_server.interactions.read import readable
from fhir_server.interactions.visibility import require
from fhir_server.interactions.vread import version_of
from fhir_server.store import StoredResource


async def current(type: str, id: str, context: Context) -> StoredResource:
    """The current version. Raises `ResourceNotFound` or `ResourceGone`."""
    if context.unit is not None:
        stored = await context.unit.read(type, id)
    else:
        stored = await readable(type, id, context)
    await require(context, stored, "r")
    return stored


async def version(type: str, id: str, version: str, context: Context) -> StoredResource:
    """One version. Raises `ResourceNotFound`, or `ResourceGone` for the deletion."""
    if not version.isascii() or not version.isdigit() or len(version) > 18:
        raise ResourceNotFound(f"{type}/{id} has no such version: versions are numbers.")
    return await version_of(type, id, int(version), context)


async def literal(reference: str, context: Context) -> StoredResource | None:
    """What `Type/id` or `Type/id/_history/2` names, None when it is not there."""
    type, id, *rest = reference.split("/")
    try:
        return await (version(type, id, rest[1], context) if rest else current(type, id, context))
    except (ResourceNotFound, ResourceGone):
        return None


def may_read(type: str, context: Context) -> bool:
    """Whether the caller may read resources of `type`."""
    try:
        permit(context.caller, type, "read")
    except NotPermitted:
        return False
    return True
