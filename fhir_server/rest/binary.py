"""A Binary as its own content, in and out. https://hl7.org/fhir/R4/binary.html#rest

In: a body of any media type that is no FHIR format becomes the content. Out: when the client names
no FHIR format it gets the content, a part of it if it asks for one range (RFC 9110 section 14).
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fhir_server.errors import InvalidParameter, UnsupportedMedia
from fhir_server.resource import Resource
from fhir_server.rest.negotiation import names_format, sends_format
from fhir_server.store import Content, StoredResource

_OCTETS = "application/octet-stream"
_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+*'`|~-]+/[\w!#$&^.+*'`|~-]+(;.*)?", re.ASCII)
_READS = ("read", "vread")
_WRITES = ("create", "update")


def wants_content(request: Request, code: str) -> bool:
    """Whether a Binary is asked for as itself: neither Accept nor `_format` names a FHIR format."""
    return (
        request.path_params.get("type") == "Binary" and code in _READS and not names_format(request)
    )


def sends_content(request: Request, code: str) -> bool:
    """Whether the body of a create or update is the content of a Binary."""
    is_binary = request.path_params.get("type") == "Binary" and code in _WRITES
    return is_binary and not sends_format(request)


def binary_of(request: Request, body: bytes) -> Resource:
    """The Binary with this content, guarded by the resource that `X-Security-Context` names."""
    media_type = request.headers.get("content-type", "").strip()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise UnsupportedMedia("Say the media type of the content in Content-Type.")
    binary: Resource = {"resourceType": "Binary", "contentType": media_type}
    id, context = request.path_params.get("id"), request.headers.get("x-security-context")
    if id is not None:
        binary["id"] = id
    if context is not None:
        binary["securityContext"] = {"reference": context}
    if body:
        binary["data"] = base64.b64encode(body).decode("ascii")
    return binary


def content_response(
    request: Request, stored: StoredResource, content: Content, headers: dict[str, str]
) -> Response:
    """The content, or 206 with a part of it, or 416 when it has no such part."""
    resource = stored.resource()
    media_type = resource.get("contentType", _OCTETS)
    # SecurityHeaders' policy keeps what somebody uploaded from running as a page of ours.
    headers["Accept-Ranges"] = "bytes"
    headers["Cache-Control"] = "no-store"
    if "securityContext" in resource:
        headers["X-Security-Context"] = str(resource["securityContext"].get("reference", ""))
    asked = request.headers.get("range")
    # A weak ETag identifies no bytes, so If-Range never holds (RFC 9110 13.1.5).
    part = None if asked is None or "if-range" in request.headers else _part(asked, content.length)
    if part is None:
        return _streamed(200, content, 0, content.length, headers, media_type)
    start, stop = part
    if start >= stop:
        headers["Content-Range"] = f"bytes */{content.length}"
        return Response(b"", 416, headers)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.length}"
    return _streamed(206, content, start, stop, headers, media_type)


def _part(asked: str, length: int) -> tuple[int, int] | None:
    """Start and end of the range; several ranges or another unit count as none."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        return max(length - int(match["last"]), 0), length
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else length - 1
    return None if last < first <= length - 1 else (first, min(last + 1, length))


def _streamed(
    status: int,
    content: Content,
    start: int,
    stop: int,
    headers: dict[str, str],
    media_type: str,
) -> Response:
    headers["Content-Length"] = str(stop - start)
    if not media_type.isascii() or "\n" in media_type:
        raise InvalidParameter("The content has no media type: read the Binary as FHIR JSON.")
    pieces: AsyncIterator[Any] = content.read(start, stop)
    return StreamingResponse(pieces, status, {**headers, "Content-Type": media_type})
