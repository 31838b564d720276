"""What a data type is read with: the site's part, the message's zone, drafts made on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote

from integrations.hl7v2.mapping.codes import CodeTables
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.moments import Moment, moment
from integrations.hl7v2.mapping.site import SiteMapping

Json = dict[str, Any]
Identity = tuple[str, str]


class Builder(Protocol):
    """Keeps the drafts of a message."""

    def draft(self, resource: Json, identities: tuple[Identity, ...], policy: Policy) -> Json:
        """A Reference to the draft of `resource`, made or found by its identities."""


class Context:
    """Of one message. `problems` are those of the field at hand; they quote no value."""

    __slots__ = (
        "builder", "codes", "facility", "message_zone", "problems", "site", "version", "zone",
    )  # fmt: skip

    def __init__(
        self,
        site: SiteMapping,
        zone: tzinfo | None,
        codes: CodeTables,
        builder: Builder,
        *,
        facility: str,
        message_zone: str,
        version: str,
    ) -> None:
        self.site = site
        self.zone = zone
        self.codes = codes
        self.builder = builder
        self.facility = facility
        self.message_zone = message_zone
        self.version = version
        self.problems: list[str] = []

    def problem(self, text: str) -> None:
        """Notes why a value, or a part of it, could not be used."""
        if text not in self.problems:
            self.problems.append(text)

    def moment(self, text: str) -> Moment | None:
        """`text` as a point in time, None with a problem noted when it is none."""
        if not text:
            return None
        found = moment(text, self.message_zone, self.zone)
        if found is None:
            self.problem("no date or time")
        elif found.partial:
            self.problem("an hour without minutes has no place in FHIR; the date is told")
        elif found.time and not found.zone:
            self.problem("the time of day has no zone; the date is told (set the site's timezone)")
        return found

    def authority(self, namespace: str, universal: str = "", kind: str = "") -> str:
        """The FHIR system of an assigning authority (HD), "" when it says nothing.

        A namespace that the site maps goes first, then the universal id, then a system of our own
        that holds the namespace and is the same in every message.
        """
        mapped = self.site.authorities.get(namespace) or self.site.authorities.get(universal)
        if mapped:
            return mapped
        if universal:
            return _universal(universal, kind, self.codes.systems) or self.local(universal)
        return self.local(namespace) if namespace else ""

    def default_authority(self) -> str:
        """The system of an identifier without an assigning authority."""
        if self.site.default_authority:
            return self.site.default_authority
        return self.local("facility", self.facility) if self.facility else ""

    def local(self, *names: str) -> str:
        """A system of our own, the same for the same names."""
        return _local(self.site.local_system, names)


_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


@lru_cache(maxsize=4096)
def _local(begin: str, names: tuple[str, ...]) -> str:
    return begin + ":".join(quote(name, safe="") for name in names)


def _universal(id: str, kind: str, preferred: Mapping[str, str]) -> str:
    """A universal id as a URI (table 0301); an OID as the one that FHIR prefers, if it does."""
    kind = kind.upper()
    if kind in ("ISO", "OID", "HL7") or (not kind and _is_oid(id)):
        oid = id.removeprefix("urn:oid:")
        return preferred.get(oid) or (f"urn:oid:{oid}" if _is_oid(oid) else "")
    if kind in ("UUID", "GUID"):
        return f"urn:uuid:{id.removeprefix('urn:uuid:').lower()}"
    if kind in ("URI", "URL") or "://" in id or id.startswith("urn:"):
        return id if _URI.fullmatch(id) else ""
    if kind == "DNS":
        return f"dns:{quote(id, safe='.-')}"  # RFC 4501
    return ""


def _is_oid(text: str) -> bool:
    arcs = text.split(".")
    return (
        len(arcs) > 1
        and arcs[0] in ("0", "1", "2")
        and all(arc.isascii() and arc.isdigit() and (arc == "0" or arc[0] != "0") for arc in arcs)
    )
