"""What one site adds to the tables: zone, authorities, code systems, rows, Z-segments.

    {"timezone": "Europe/Berlin",
     "default_authority": "urn:oid:1.2.276.0.76.4.1",
     "authorities": {"HOSP": "urn:oid:1.2.276.0.76.4.17"},
     "code_systems": {"99LAB": "https://lab.example.org/codes"},
     "code_maps": {"AdministrativeSex": {"X": ["other", "", ""]}},
     "segments": {
       "PID[Patient]": {"add": [...], "replace": {"PID-10": [...]}, "drop": {"PID-17": "why"}},
       "ZPD[Patient]": {"add": [{"field": "ZPD-2", "v2": "ST", "to": "..."}]}},
     "rules": {"ZPD": [{"into": "Patient", "map": "ZPD[Patient]"}]}}

Rows have the form of `data/segments.json`, rules that of `data/rules.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator


class SiteMappingError(ValueError):
    """The site's mapping file cannot be used; the text names every fault and its place."""


class SegmentOverride(BaseModel):
    """Changes to one segment map: `replace` and `drop` by field, `add` whole rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    add: tuple[dict[str, Any], ...] = ()
    replace: dict[str, tuple[dict[str, Any], ...]] = Field(default_factory=dict)
    drop: dict[str, str] = Field(default_factory=dict)
    like: str = ""


class SiteMapping(BaseModel):
    """The site's part of the mapping. Everything has a default: `SiteMapping()` is complete.

    `timezone` is an IANA name, used for times without a zone. `default_authority` is the system of
    identifiers whose sender names no assigning authority; without it they are the sending
    facility's (MSH-4). `authorities` gives the system of a namespace. `local_system` begins the
    systems that are made from namespaces nobody mapped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    timezone: str = ""
    default_authority: str = ""
    local_system: str = "urn:aimed:hl7v2:"
    authorities: dict[str, str] = Field(default_factory=dict)
    code_systems: dict[str, str] = Field(default_factory=dict)
    code_maps: dict[str, dict[str, tuple[str, str, str]]] = Field(default_factory=dict)
    segments: dict[str, SegmentOverride] = Field(default_factory=dict)
    rules: dict[str, tuple[dict[str, Any], ...]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"{name!r} is no IANA time zone such as Europe/Berlin") from error
        return name

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of times that state none; None when the site has not told it."""
        return ZoneInfo(self.timezone) if self.timezone else None


def read_site_mapping(path: Path) -> SiteMapping:
    """The mapping in the JSON file `path`. Raises `SiteMappingError`.

    Rows and conditions are checked when the tables are compiled with it (`tables.compiled`).
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SiteMappingError(f"{path.name} cannot be read as JSON: {error}") from error
    try:
        return SiteMapping.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        )
        raise SiteMappingError(f"{path.name}: {faults}") from error
