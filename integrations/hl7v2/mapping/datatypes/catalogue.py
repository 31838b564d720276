"""All converters: importing this module registers them."""

from __future__ import annotations

from integrations.hl7v2.mapping.datatypes import (
    attachments,
    coded,
    contact,
    identifiers,
    locations,
    messages,
    names,
    organizations,
    people,
    quantities,
    texts,
    times,
    timing,
)
from integrations.hl7v2.mapping.datatypes.registry import Convert, Converter, Use, converter

MODULES = (
    attachments, coded, contact, identifiers, locations, messages, names, organizations, people,
    quantities, texts, times, timing,
)  # fmt: skip

__all__ = ["MODULES", "Convert", "Converter", "Use", "converter"]
