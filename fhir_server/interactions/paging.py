"""Page links: stateless keyset cursors, signed so that only this server's own come back.

A cursor holds where the page ended, so a page costs the same at any depth and entries written
meanwhile neither repeat nor vanish.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from fhir_server.errors import InvalidParameter
from fhir_server.store.mongo import Position

CURSOR = "_cursor"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode(position: Position, scope: str, key: bytes) -> str:
    """A URL-safe cursor that is only good for `scope` (the query it belongs to)."""
    moment, id = position
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    body = f"{milliseconds}|{id}".encode()
    return base64.urlsafe_b64encode(_sign(body, scope, key) + body).decode().rstrip("=")


def decode(cursor: str, scope: str, key: bytes) -> Position:
    """Where to go on. Raises `InvalidParameter` for a cursor of another query or server."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        data = b""
    signature, body = data[:16], data[16:]
    if not hmac.compare_digest(signature, _sign(body, scope, key)):
        raise InvalidParameter(f"{CURSOR} is not one of this search's page links.")
    milliseconds, _, id = body.decode().partition("|")
    return _EPOCH + timedelta(milliseconds=int(milliseconds)), id


def _sign(body: bytes, scope: str, key: bytes) -> bytes:
    return hmac.new(key, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:16]
