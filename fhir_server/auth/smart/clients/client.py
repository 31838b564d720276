"""An OAuth client, and where clients are kept. RFC 7591 section 2 names most of its fields."""

from __future__ import annotations

from fhir_server.store.smart.clients import (
    Client,
    ClientStore,
    HashedSecret,
    Method,
    Status,
    origin_of,
)

__all__ = ["Client", "ClientStore", "HashedSecret", "Method", "Status", "origin_of"]
