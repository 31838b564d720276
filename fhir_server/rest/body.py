"""Reading a request body up to its limit, gzip taken off. RFC 9110 section 8.4."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from fhir_server.errors import Malformed, TooLarge, UnsupportedMedia

_GZIP = 16 + zlib.MAX_WBITS
_GZIP_NAMES = ("gzip", "x-gzip")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, decoded. Raises `TooLarge` as soon as it is over `limit` bytes.

    Raises `UnsupportedMedia` for a coding other than gzip, `Malformed` for what is no gzip.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", *_GZIP_NAMES):
        raise UnsupportedMedia(
            "Send the body as it is or with Content-Encoding: gzip.",
            headers={"Accept-Encoding": "gzip"},
        )
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    return await (_inflated(request, limit) if coding in _GZIP_NAMES else _plain(request, limit))


async def _plain(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def _inflated(request: Request, limit: int) -> bytes:
    # At most one byte over the limit is ever inflated, whatever a small body claims to hold.
    inflate = zlib.decompressobj(_GZIP)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            chunks.append(inflate.decompress(chunk, limit + 1 - size))
            size += len(chunks[-1])
            if size > limit:
                raise _too_large(limit)
    except zlib.error:
        raise Malformed("The body is no gzip.") from None
    if not inflate.eof or inflate.unused_data:
        raise Malformed("The gzip of the body is incomplete or has more after its end.")
    return b"".join(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A body here has at most {limit} bytes.")
