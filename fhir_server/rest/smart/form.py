"""Parameters of OAuth requests: a form or a query in which no name stands twice. RFC 6749 3.1."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.requests import Request

from fhir_server.auth.smart.discovery import Addresses
from fhir_server.auth.smart.errors import InvalidRequest

_FORM = "application/x-www-form-urlencoded"
_LARGEST = 128 * 1024


def addresses_of(request: Request) -> Addresses:
    """The server's own addresses, as the client reached it."""
    return Addresses(str(request.base_url).rstrip("/"))


def query_of(request: Request) -> dict[str, str]:
    """The parameters of the address. Raises `InvalidRequest` for one that stands twice."""
    return _unrepeated(request.query_params.multi_items())


async def form_of(request: Request) -> dict[str, str]:
    """The parameters of the body, a form. Raises `InvalidRequest`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequest(f"Send the parameters as {_FORM}.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST:
            raise InvalidRequest("The form is too large.")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise InvalidRequest("The form is not readable.") from None
    return _unrepeated(pairs)


def _unrepeated(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequest("A parameter stands twice.")
        if value:  # without a value it counts as left out
            found[name] = value
    return found
