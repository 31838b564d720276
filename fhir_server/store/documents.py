"""What the `resources` and `history` collections hold.

`resources` has one document per resource, current or deleted:

    _id      "Patient/p1"
    type id  its two halves
    v        version, from 1
    lu       lastUpdated, UTC
    deleted  whether this version is the deletion
    raw      the JSON bytes that are served
    blobs    large data kept in GridFS instead: {p: its path, id, n: its bytes}
    k        search keys `param=value`
    r        search ranges {p, lo, hi}
    pat      patient compartment, "Patient/p1"
    pats     more patients that a resource is about, if there are any

`history` has all but the last four for every version, under `_id` = "Patient/p1/3", and is only
inserted to.
Decision 0002 gives the reasons and the sharding key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.clock import instant
from fhir_server.resource import Resource, dumps, loads

Document = dict[str, Any]


@dataclass(frozen=True)
class Blob:
    """Data kept in GridFS: where its base64 stands in the resource, its id there, its bytes."""

    path: tuple[str | int, ...]
    id: str
    length: int


@dataclass(frozen=True)
class StoredResource:
    """One version of one resource. `raw` is empty when `deleted`.

    `method` is the HTTP method that made a version read from `history`; `patient` is the one in
    whose compartment a resource is that was read from `resources`.
    """

    type: str
    id: str
    version: int
    last_updated: datetime
    raw: bytes
    deleted: bool = False
    blobs: tuple[Blob, ...] = ()
    method: str = ""
    patient: str | None = None

    @property
    def reference(self) -> str:
        """The literal reference, `Patient/p1`."""
        return f"{self.type}/{self.id}"

    @property
    def etag(self) -> str:
        """The weak ETag that FHIR R4 3.1.0.1.3 asks for."""
        return f'W/"{self.version}"'

    def resource(self) -> Resource:
        """Parse `raw`. Data kept in GridFS is not part of it."""
        parsed: Resource = loads(self.raw)
        return parsed


def stamp(resource: Resource, id: str, version: int, last_updated: datetime) -> Resource:
    """Return `resource` with id, `meta.versionId` and `meta.lastUpdated`, all else untouched."""
    meta = {
        **(resource.get("meta") or {}),
        "versionId": str(version),
        "lastUpdated": instant(last_updated),
    }
    rest = {k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")}
    return {"resourceType": resource["resourceType"], "id": id, "meta": meta, **rest}


def from_document(document: Document) -> StoredResource:
    """Read a document of either collection."""
    return StoredResource(
        type=document["type"],
        id=document["id"],
        version=document["v"],
        last_updated=document["lu"],
        raw=bytes(document["raw"]),
        deleted=document["deleted"],
        blobs=tuple(
            Blob(tuple(one["p"]), one["id"], one["n"]) for one in document.get("blobs", ())
        ),
        method=document.get("method", ""),
        patient=document.get("pat"),
    )


def to_document(stored: StoredResource) -> Document:
    """The fields that both collections share, without `_id`."""
    document: Document = {
        "type": stored.type,
        "id": stored.id,
        "v": stored.version,
        "lu": stored.last_updated,
        "deleted": stored.deleted,
        "raw": stored.raw,
    }
    if stored.blobs:
        document["blobs"] = [
            {"p": list(blob.path), "id": blob.id, "n": blob.length} for blob in stored.blobs
        ]
    return document


def serialise(resource: Resource) -> bytes:
    """The bytes to store for a stamped resource."""
    return dumps(resource)


STORED = {"k": 0, "r": 0, "c": 0, "s": 0, "z": 0, "w": 0, "geo": 0}
"""A projection without the search index, which is most of a document."""
