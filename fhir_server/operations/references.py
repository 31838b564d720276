"""The references in a resource to other resources of this server. FHIR R4 2.3.0.1 (literal).

A `Reference.reference`, and an `Attachment.url` that names a Binary. Canonical and logical
references are none: they do not say where a resource is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from fhir_server.definitions.elements import resource_types
from fhir_server.resource import loads

_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/\d{1,18})?")


def local_references(value: Any, base: str) -> Iterator[str]:
    """`Type/id`, with `/_history/2` where a version is named, in the order they stand."""
    for member in _objects(value):
        # An Attachment may name its Binary without being a Reference (R4 2.24.0.8).
        for text in (member.get("reference"), member.get("url")):
            local = as_local(text, base) if isinstance(text, str) else None
            if local is not None:
                yield local


def references_in(raw: bytes, base: str) -> Iterator[str]:
    """The local references of a resource's bytes, without versions."""
    for local in local_references(_parsed(raw), base):
        yield local.partition("/_history/")[0]


def _parsed(raw: bytes) -> Any:
    # Looked at and never written again, so decimals may lose their text here: a tenth of the time
    # that the exact parser takes.
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:  # a decimal like 1e999 is in no range but that of text
        return loads(raw)


def literal_references(value: Any) -> Iterator[str]:
    """Every `Reference.reference`, wherever it points, but those to contained resources."""
    for member in _objects(value):
        reference = member.get("reference")
        if isinstance(reference, str) and not reference.startswith("#"):
            yield reference


def as_local(reference: str, base: str) -> str | None:
    """The reference as `Type/id` if it points into this server, else None."""
    match = _LOCAL.fullmatch(reference.removeprefix(f"{base}/"))
    return match[0] if match is not None and match[1] in resource_types() else None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from _objects(member)
