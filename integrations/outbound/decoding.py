"""Reading an answer up to a limit that holds after decompression too. RFC 9110 section 8.4."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from fhir_server.errors import TooLarge, Unavailable

CODINGS = "gzip"
_GZIP = 16 + zlib.MAX_WBITS


async def read(chunks: AsyncIterator[bytes], coding: str, limit: int) -> bytes:
    """The decoded body. Raises `TooLarge` over `limit` bytes, `Unavailable` for a wrong coding."""
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise Unavailable("The other server answers in a coding that was not asked for.")
    inflate = zlib.decompressobj(_GZIP) if "gzip" in coding else None
    body = bytearray()
    try:
        async for chunk in chunks:
            # A network read of 64 kB of gzip can hold 64 MB: at most one byte over is inflated.
            body += inflate.decompress(chunk, limit + 1 - len(body)) if inflate else chunk
            if len(body) > limit:
                raise TooLarge(f"The other server's answer is over {limit} bytes.")
    except zlib.error:
        raise Unavailable("The other server's answer is no gzip.") from None
    if inflate is not None and not inflate.eof:
        raise Unavailable("The other server's answer breaks off.")
    return bytes(body)
