"""Formats: FHIR JSON in and out. FHIR R4 3.1.0.1.10."""

from __future__ import annotations

from starlette.requests import Request

from fhir_server.errors import InvalidParameter, NotAcceptable, UnsupportedMedia
from fhir_server.resource import indent

_JSON = ("application/fhir+json", "application/json", "text/json", "json")
_ANY = ("*/*", "application/*")


def check_accept(request: Request) -> None:
    """Raise `NotAcceptable` unless JSON will do. `_format` outweighs Accept."""
    asked = request.query_params.get("_format")
    accepted = [asked] if asked else request.headers.get("accept", "*/*").split(",")
    plain = [part.partition(";")[0].strip().lower().replace(" ", "+") for part in accepted]
    if not any(part in _JSON or part in _ANY for part in plain):
        raise NotAcceptable("This server answers application/fhir+json.")


def check_content_type(request: Request, *allowed: str) -> None:
    """Raise `UnsupportedMedia` unless the body is JSON, or one of `allowed`."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in (allowed or _JSON):
        raise UnsupportedMedia(
            f"Send the body as {' or '.join(allowed) if allowed else 'application/fhir+json'}."
        )


def pretty(request: Request, body: bytes) -> bytes:
    """`body` indented when `_pretty=true` asks for it, its decimals as they were."""
    asked = request.query_params.get("_pretty", "false")
    if asked not in ("true", "false"):
        raise InvalidParameter("_pretty is true or false.")
    if asked == "false" or not body:
        return body
    return indent(body)
