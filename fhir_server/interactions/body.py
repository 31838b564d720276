"""Turning a request body into a resource that may be stored. FHIR R4 3.1.0.8, 3.1.0.5."""

from __future__ import annotations

import re

from fhir_server.errors import InvalidParameter, InvalidResource, Malformed
from fhir_server.interactions.context import FhirRequest
from fhir_server.resource import Resource, loads
from fhir_server.validation.validator import validate

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def parse(body: bytes, type: str, required: tuple[str, ...] = ()) -> Resource:
    """The resource of that type in `body`, checked as `checked` does.

    Raises `Malformed`, or `InvalidResource` with every problem found.
    """
    return checked(loads(body), type, required)


def parsed(request: FhirRequest, required: tuple[str, ...]) -> Resource:
    """The checked resource that `request` brings, of the type in its address. Raises as `parse`."""
    type = request.type or ""
    if request.resource is not None:
        return checked(request.resource, type, required)
    return parse(request.body, type, required)


def checked(resource: object, type: str, required: tuple[str, ...] = ()) -> Resource:
    """`resource` if it is a valid resource of that type. Raises as `parse` does.

    It has to meet the R4 definitions, the profiles that it claims and one of the `required` ones
    that are for its type.
    """
    if not isinstance(resource, dict):
        raise Malformed("The body is not a JSON object.")
    if resource.get("resourceType") != type:
        raise Malformed(
            f"The body must be a {type}: its resourceType is missing or another.",
            expression=("resourceType",),
        )
    issues = validate(resource, one_of=required)
    if any(issue.severity in ("fatal", "error") for issue in issues):
        text = f"The {type} breaks the rules of FHIR R4 or of a profile."
        raise InvalidResource(text, issues=issues)
    return resource


def logical_id(text: str) -> str:
    """`text` if it may be a FHIR id. Raises `InvalidParameter`."""
    if not ID.fullmatch(text):
        raise InvalidParameter("An id is 1 to 64 letters, digits, dots and hyphens.")
    return text


def version_of(etag: str | None) -> int | None:
    """The version in an If-Match header. Raises `InvalidParameter` when it is not an ETag."""
    if etag is None:
        return None
    match = _ETAG.fullmatch(etag.strip())
    if match is None:
        raise InvalidParameter('If-Match takes an ETag of this server, like W/"3".')
    return int(match[1])
