"""$validate: would this resource be acceptable?

https://hl7.org/fhir/R4/resource-operation-validate.html

The answer is 200 with every problem, whether there are any or not. Only a request that cannot be
carried out fails: a body that is not JSON, nothing to validate, a profile that is not known here.
"""

from __future__ import annotations

from typing import Any

from fhir_server.auth.access import permit
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import (
    InvalidParameter,
    Issue,
    Malformed,
    ResourceGone,
    ResourceNotFound,
)
from fhir_server.interactions.body import ID
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.operations.reading import current
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import Resource, dumps
from fhir_server.validation import validator
from fhir_server.validation.profiles import demanded

_MODES = ("create", "update", "delete", "profile")
_OK = Issue("informational", "All OK: no problems were found.", severity="information")


async def validate(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer an OperationOutcome about the resource sent, or about the stored instance."""
    type, mode = _type(request), _mode(request)
    permit(context.caller, type, mode if mode in ("create", "update", "delete") else "read")
    if mode == "delete":
        issues = await _deletion(request, context)
    else:
        resource = await _subject(request, context)
        issues = _content(resource, request, context)
        issues += await _action(mode, resource, request, context)
    return FhirResponse(200, dumps(operation_outcome(tuple(issues) or (_OK,))))


def _type(request: OperationRequest) -> str:
    """The type of the address; at system level that which the resource says."""
    sent = request.parameters.resource("resource") if request.type is None else None
    said = sent.get("resourceType") if isinstance(sent, dict) else None
    return request.type or (said if isinstance(said, str) and said in resource_types() else "")


def _mode(request: OperationRequest) -> str | None:
    mode = request.parameters.text("mode")
    if mode is not None and mode not in _MODES:
        raise InvalidParameter(f"mode is one of {', '.join(_MODES)}.")
    if mode == "profile" and not request.parameters.texts("profile"):
        raise InvalidParameter("mode=profile needs the parameter profile.")
    return mode


async def _subject(request: OperationRequest, context: Context) -> Any:
    """The resource sent; on an instance, without one, that which is stored."""
    sent = request.parameters.resource("resource")
    if sent is not None:
        if not isinstance(sent, dict):
            raise Malformed("The parameter resource is not a JSON object.")
        return sent
    if request.id is None:
        raise InvalidParameter(
            "Send the resource to validate: as the body, or as the parameter resource."
        )
    permit(context.caller, request.type or "", "read")
    stored = await current(request.type or "", request.id, context)
    return await context.server.store.whole(stored)


def _content(resource: Resource, request: OperationRequest, context: Context) -> list[Issue]:
    asked = request.parameters.texts("profile")
    for url in asked:
        demanded(url, _type(request))
    required = context.server.settings.required_profiles
    issues = list(validator.validate(resource, warnings=True, profiles=asked, one_of=required))
    own = resource.get("resourceType")
    if isinstance(own, str) and request.type and own != request.type:
        text = f"The address is for {request.type}; this resource says that it is another type."
        issues.append(Issue("invalid", text, expression=("resourceType",)))
    return issues


async def _action(
    mode: str | None, resource: Resource, request: OperationRequest, context: Context
) -> list[Issue]:
    """What stands against creating or updating, apart from the content."""
    id = resource.get("id")
    if request.id is not None and id is not None and id != request.id:
        text = "The id in the resource is not that of the address."
        return [Issue("value", text, expression=(f"{request.type}.id",))]
    if mode != "update":
        return []
    if id is None:
        text = "An update needs the id in the resource."
        return [Issue("required", text, expression=(f"{_type(request)}.id",))]
    if not isinstance(id, str) or not ID.fullmatch(id):
        return []  # the content's issues say so
    return await _existence(id, request, context)


async def _deletion(request: OperationRequest, context: Context) -> list[Issue]:
    if request.id is None:
        raise InvalidParameter("mode=delete is for an instance: Type/id/$validate.")
    return await _existence(request.id, request, context)


async def _existence(id: str, request: OperationRequest, context: Context) -> list[Issue]:
    type = _type(request)
    try:
        await current(type, id, context)
    except ResourceNotFound:
        return [Issue("not-found", f"{type}/{id} does not exist.")]
    except ResourceGone:
        return [Issue("deleted", f"{type}/{id} is deleted already.", severity="warning")]
    return []
