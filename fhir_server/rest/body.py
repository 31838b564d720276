"""Reading a request body up to its limit."""

from __future__ import annotations

from starlette.requests import Request

from fhir_server.errors import TooLarge


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises `TooLarge` as soon as it is over `limit` bytes."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"A body here has at most {limit} bytes.")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"A body here has at most {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
