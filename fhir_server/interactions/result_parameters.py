"""Parameters that shape an answer rather than choose its entries. FHIR R4 3.1.1.5."""

from __future__ import annotations

from fhir_server.errors import InvalidParameter
from fhir_server.settings import FhirSettings


def page_size(text: str | None, settings: FhirSettings) -> int:
    """Entries per page: `_count` as far as the limit allows, the default without it."""
    if text is None:
        return settings.page_size
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidParameter("_count takes a whole number.")
    return min(int(text), settings.page_limit)
