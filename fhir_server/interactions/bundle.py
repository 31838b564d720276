"""Bundles whose entries are stored bytes: joined, never parsed. FHIR R4 3.1.0.7, 2.36."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.resource import Resource, dumps

Entry = tuple[Resource, bytes]
"""The entry's own members, and the bytes of its resource (empty for none)."""


def bundle(head: Resource, entries: Iterable[Entry]) -> bytes:
    """`head` as a Bundle with `entries`; an empty list is left out, as FHIR JSON demands."""
    joined = b",".join(_entry(members, raw) for members, raw in entries)
    body = dumps({"resourceType": "Bundle", **head})
    return body[:-1] + b',"entry":[' + joined + b"]}" if joined else body


def _entry(members: Resource, raw: bytes) -> bytes:
    if not raw:
        return dumps(members)
    own = dumps(members)[1:-1]
    return b"{" + own + (b"," if own else b"") + b'"resource":' + raw + b"}"
