"""Full URLs of bundle entries, and first entries: what no invariant of R4 says or tells in full.

Source: http://hl7.org/fhir/R4/bundle.html (2.36.4 resource identity).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhir_server.definitions.elements import resource_types

Fault = tuple[int, str, str]
"""Position of the entry, issue code, text."""

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_TAIL = re.compile(r"https?://.*/(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9.\-]{1,64})", re.ASCII)


def entry_faults(entries: Any) -> Iterator[Fault]:
    """What is wrong with the full URLs of a bundle's entries."""
    if not isinstance(entries, list):
        return
    for position, entry in enumerate(entries):
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if not isinstance(url, str):
            continue
        if not _ABSOLUTE.fullmatch(url):
            yield position, "value", "must be an absolute URL or a URN"
        elif _disagrees(url, entry.get("resource")):
            yield position, "value", "must not disagree with the type and id of its resource"


def _disagrees(url: str, resource: Any) -> bool:
    match = _TAIL.fullmatch(url)
    if match is None or match["type"] not in resource_types() or not isinstance(resource, dict):
        return False
    id, type = resource.get("id"), resource.get("resourceType")
    return (type in resource_types() and type != match["type"]) or (
        isinstance(id, str) and id != match["id"]
    )
