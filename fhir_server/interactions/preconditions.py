"""If-Match and If-None-Match on writes. FHIR R4 3.1.0.5, RFC 7232 3.1 and 3.2."""

from __future__ import annotations

from fhir_server.errors import PreconditionFailed
from fhir_server.interactions.body import version_of
from fhir_server.interactions.context import FhirRequest
from fhir_server.store import StoredResource

ANY = "*"


def required_version(request: FhirRequest, current: StoredResource | None) -> int | None:
    """The version that If-Match demands, None for whichever there is.

    Raises `PreconditionFailed` when If-None-Match forbids what is there, or `If-Match: *` asks for
    something where there is nothing, and `InvalidParameter` for what is no ETag.
    """
    there = None if current is None or current.deleted else current
    _refuse_present(request.if_none_match, there)
    if request.if_match is None or request.if_match.strip() != ANY:
        return version_of(request.if_match)
    if there is None:
        raise PreconditionFailed("If-Match asks for a version, but the resource does not exist.")
    return None


def _refuse_present(if_none_match: str | None, there: StoredResource | None) -> None:
    if if_none_match is None or there is None:
        return
    forbidden = [one.strip() for one in if_none_match.split(",")]
    if ANY in forbidden or there.version in [version_of(one) for one in forbidden]:
        raise PreconditionFailed(f"If-None-Match: {there.reference} exists.")
