"""Bundles whose entries are stored bytes: joined, not parsed. FHIR R4 3.1.0.7, 2.36.

A Bundle carries the high-water mark of the security labels in it (R4 6.1.1.0.5), for which entries
that have labels are looked into.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.labels import high_water_mark, labels_in
from fhir_server.labels.lattice import coding
from fhir_server.resource import Resource, dumps

Entry = tuple[Resource, bytes]
"""The entry's own members, and the bytes of its resource (empty for none)."""


def bundle(head: Resource, entries: Iterable[Entry]) -> bytes:
    """`head` as a Bundle with `entries`; an empty list is left out, as FHIR JSON demands."""
    listed = list(entries)
    joined = b",".join(_entry(members, raw) for members, raw in listed)
    mark = high_water_mark(labels_in(raw) for _, raw in listed if raw)
    meta = {"meta": {"security": [coding(one) for one in mark]}} if mark else {}
    body = dumps({"resourceType": "Bundle", **meta, **head})
    return body[:-1] + b',"entry":[' + joined + b"]}" if joined else body


def _entry(members: Resource, raw: bytes) -> bytes:
    if not raw:
        return dumps(members)
    own = dumps(members)[1:-1]
    return b"{" + own + (b"," if own else b"") + b'"resource":' + raw + b"}"
