"""$meta: the profiles, tags and security labels of a resource, a type or the whole server.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_server.auth.access import permit
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import NotPermitted, TooCostly
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.interactions.resolving import Resolver
from fhir_server.interactions.visibility import is_limited, visible
from fhir_server.operations.reading import current, may_read, version
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import Resource, dumps

LABELS = {"profile": "_profile", "security": "_security", "tag": "_tag"}
"""The members of Meta that are sets, and the search parameters that find them."""

LABEL_LIMIT = 1000
"""Most different labels of one kind and type that a summary goes through."""


async def meta(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer the Meta of the instance (or of one version), or the labels in use."""
    if request.id is None:
        return answer(await _in_use(_types(request.type, context), context))
    type = request.type or ""
    permit(context.caller, type, "read")
    if request.version is not None:
        stored = await version(type, request.id, request.version, context)
    else:
        stored = await current(type, request.id, context)
    return answer(stored.resource().get("meta", {}))


def answer(found: Resource) -> FhirResponse:
    """A Meta as the operation's result; an empty one cannot be written, so it is left out."""
    result: Resource = {"resourceType": "Parameters"}
    if found:
        result["parameter"] = [{"name": "return", "valueMeta": found}]
    return FhirResponse(200, dumps(result))


def identity(label: Any) -> tuple[str | None, str | None]:
    """What makes a label: the whole URL of a profile, system and code of a Coding."""
    if isinstance(label, dict):
        return label.get("system"), label.get("code")
    return None, label


def _types(type: str | None, context: Context) -> list[str]:
    if type is not None:
        permit(context.caller, type, "read")
        if is_limited(context, type, "r"):
            raise NotPermitted("The labels of a type are for who may read all of it.")
        return [type]
    readable = [
        one
        for one in sorted(resource_types())
        if may_read(one, context) and not is_limited(context, one, "r")
    ]
    if not readable:
        raise NotPermitted("Your token's scopes cover no reading.")
    return readable


async def _in_use(types: Iterable[str], context: Context) -> Resource:
    found: dict[str, dict[Any, Any]] = {member: {} for member in LABELS}
    for type in types:
        if not await _any({"type": type}, context):
            continue
        for member, code in LABELS.items():
            for own in await _labelled(type, code, context):
                labels = own.get("meta", {}).get(member, [])
                found[member].update((identity(label), label) for label in labels)
    return {
        member: [labels[key] for key in sorted(labels, key=_order)]
        for member, labels in found.items()
        if labels
    }


def _order(key: tuple[str | None, str | None]) -> tuple[str, str]:
    return key[0] or "", key[1] or ""


async def _labelled(type: str, code: str, context: Context) -> list[Resource]:
    """For each different label a resource that has it: the index knows codes, not displays."""
    searching, session = context.server.store.searching, _session(context)
    having = {"type": type, "k": {"$gte": f"{code}=", "$lt": f"{code}>"}}
    seen = await _seen(type, context)
    keys = await searching.targets([having, *seen], code, LABEL_LIMIT + 1, session)
    if len(keys) > LABEL_LIMIT:
        raise TooCostly(f"Over {LABEL_LIMIT} different labels are in use; ask for one type.")
    # `=code` repeats what `system|code` says, `system|` is only the system.
    whole = [key for key in keys if not key.startswith("=") and not key.endswith("|")]
    examples: dict[str, None] = {}
    for key in whole:
        one = {"type": type, "k": f"{code}={key}"}
        examples.update(dict.fromkeys(await searching.references([one, *seen], 1, session)))
    matches = await searching.current(list(examples), session)
    return [match.stored.resource() for match in matches]


async def _seen(type: str, context: Context) -> list[dict[str, Any]]:
    """What the caller's labels leave: those of a hidden resource are not told."""
    own = await visible(context, (type,), "r")
    return Resolver(context, context.server.store.now()).stages((type,), own) if own else []


async def _any(condition: dict[str, Any], context: Context) -> bool:
    searching = context.server.store.searching
    return bool(await searching.references([condition], 1, _session(context)))


def _session(context: Context) -> Any:
    return context.unit.session if context.unit is not None else None
