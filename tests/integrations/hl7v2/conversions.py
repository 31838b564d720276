"""The sample messages, and conversions as resources that stand on their own."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.draft import DRAFT_SCHEME
from integrations.hl7v2.mapping.engine import convert
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.mapping.tables import compiled, default_tables
from integrations.hl7v2.message.parser import parse

DATA = Path(__file__).parent / "data"
AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SITE = SiteMapping(timezone="America/New_York")
NAMES = tuple(sorted(str(path.relative_to(DATA)) for path in DATA.rglob("*.hl7")))


@cache
def sample(name: str) -> Conversion:
    """The conversion of a sample, made once."""
    return convert(parse((DATA / name).read_bytes()), default_tables(), SITE, at=AT)


def converted(*segments: str, site: SiteMapping | None = None, msh: str = "") -> Conversion:
    """The conversion of segments behind an MSH of type `msh`, such as ADT^A01."""
    head = f"MSH|^~\\&|APP|HOSP|EHR|HOSP|20240102030405+0100||{msh}|1|P|2.5"
    raw = "\r".join((head, *segments) if msh else segments) + "\r"
    held = site or SITE
    tables = compiled(held) if held.segments or held.rules or held.code_maps else default_tables()
    return convert(parse(raw.encode()), tables, held, at=AT)


def first(conversion: Conversion, type: str) -> dict[str, Any]:
    """The first resource of a type."""
    return next(d.resource for d in conversion.drafts if d.type == type)


def resources(conversion: Conversion, type: str) -> list[dict[str, Any]]:
    """All resources of a type."""
    return [d.resource for d in conversion.drafts if d.type == type]


def resolved(value: Any, keys: dict[str, str]) -> Any:
    """`value` with its references to drafts as references to resources; KeyError for a lost one."""
    if isinstance(value, dict):
        return {
            name: keys[held.removeprefix(DRAFT_SCHEME)]
            if name == "reference" and isinstance(held, str) and held.startswith(DRAFT_SCHEME)
            else resolved(held, keys)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return [resolved(held, keys) for held in value]
    return value


def standing(conversion: Conversion) -> list[dict[str, Any]]:
    """Every draft as a resource with an id, references resolved."""
    keys = {d.key: f"{d.type}/d{number}" for number, d in enumerate(conversion.drafts)}
    return [
        {**resolved(d.resource, keys), "id": keys[d.key].partition("/")[2]}
        for d in conversion.drafts
    ]
