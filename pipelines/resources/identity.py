"""Ids that follow from what a resource is, so that making it twice makes it once."""

from __future__ import annotations

import uuid

# A random namespace (RFC 9562 section 5.5), fixed because ids already given out depend on it.
_NAMESPACE = uuid.UUID("5b0f6a51-5a0f-4a3b-9a5c-8f6b8f4b7d4e")


def derived_id(encounter: str, *parts: str) -> str:
    """The id of the one resource that `parts` names within an encounter."""
    return str(uuid.uuid5(_NAMESPACE, "/".join((encounter, *parts))))
