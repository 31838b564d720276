"""Page links: stateless keyset cursors, signed so that only this server's own come back.

A cursor holds where the page ended, so a page costs the same at any depth and entries written
meanwhile neither repeat nor vanish.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_server.errors import InvalidParameter
from fhir_server.store.searching import Position as SortPosition
from fhir_server.store.searching import Value

Position = tuple[datetime, str]
CURSOR = "_cursor"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = "d"


def encode(position: Position, scope: str, key: bytes) -> str:
    """A URL-safe cursor that is only good for `scope` (the query it belongs to)."""
    return encode_page(position, scope, key)


def decode(cursor: str, scope: str, key: bytes) -> Position:
    """Where to go on. Raises `InvalidParameter` for a cursor of another query or server."""
    (moment, id), _ = decode_page(cursor, scope, key)
    if not isinstance(moment, datetime) or not isinstance(id, str):
        raise _foreign()
    return moment, id


def encode_page(position: SortPosition, scope: str, key: bytes, *, backwards: bool = False) -> str:
    """A cursor for the page after, or `backwards` before, an entry with these sort values."""
    values = [_packed(value) for value in position]
    body = json.dumps([backwards, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(body, scope, key) + body).decode().rstrip("=")


def decode_page(cursor: str, scope: str, key: bytes) -> tuple[SortPosition, bool]:
    """The position and whether to go backwards. Raises `InvalidParameter`."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        data = b""
    signature, body = data[:16], data[16:]
    if not hmac.compare_digest(signature, _sign(body, scope, key)):
        raise _foreign()
    backwards, *values = json.loads(body)
    return tuple(_unpacked(value) for value in values), backwards


def _packed(value: Value) -> Any:
    if isinstance(value, datetime):
        return {_DATE: (value - _EPOCH) // timedelta(milliseconds=1)}
    return value


def _unpacked(value: Any) -> Value:
    if isinstance(value, dict):
        return _EPOCH + timedelta(milliseconds=value[_DATE])
    found: Value = value
    return found


def _foreign() -> InvalidParameter:
    return InvalidParameter(f"{CURSOR} is not one of this search's page links.")


def _sign(body: bytes, scope: str, key: bytes) -> bytes:
    return hmac.new(key, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:16]
