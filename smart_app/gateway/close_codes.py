"""Close codes of our sockets and the errors they stand for. RFC 6455 section 7.4.2: 4000-4999."""

from __future__ import annotations

from fhir_server.errors import (
    FhirError,
    InvalidParameter,
    InvalidResource,
    Malformed,
    NotAuthenticated,
    NotPermitted,
    ResourceGone,
    ResourceNotFound,
    TooLarge,
    VersionConflict,
)

NORMAL = 1000
FAULT = 1011

_CODES: dict[type[FhirError], int] = {
    Malformed: 4400,
    InvalidParameter: 4400,
    InvalidResource: 4400,
    NotAuthenticated: 4401,
    NotPermitted: 4403,
    ResourceNotFound: 4404,
    ResourceGone: 4404,
    VersionConflict: 4409,
    TooLarge: 4413,
}


def code_of(error: Exception) -> int:
    """The close code of an error; whatever is not the client's doing is 1011."""
    return _CODES.get(type(error), FAULT) if isinstance(error, FhirError) else FAULT


def reason_of(error: Exception) -> str:
    """The reason to send: at most 123 bytes of UTF-8, and none of an unexpected error's text."""
    if not isinstance(error, FhirError):
        return "Something went wrong on our side. Try again."
    return error.issues[0].diagnostics.encode()[:123].decode(errors="ignore")
