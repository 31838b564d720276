"""The loop guard: what came in by HL7 v2 is not sent back to the system it came from.

A message that is converted writes its own URN into `meta.source` of what it changes. So a version
whose `meta.source` is another than that of the version before was written by that message; one that
kept it was changed here since, and is news to that system too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fhir_server.resource import Resource
from integrations.hl7v2.outbound.gathering import Gathered
from integrations.hl7v2.outbound.settings import DestinationSettings

Senders = Callable[[str], Awaitable[str | None]]
"""The system, `APPLICATION|FACILITY`, that sent the stored message of a URN; None for no such."""


async def sender_of(gathered: Gathered, senders: Senders) -> str | None:
    """Who sent the message that wrote this version; None when it was written here."""
    source = _source(gathered.resource)
    if not source:
        return None
    if gathered.event != "create" and source == _source(gathered.before):
        return None
    return await senders(source)


def is_its_own(destination: DestinationSettings, sender: str | None) -> bool:
    """Whether a destination is the system that sent something."""
    if sender is None:
        return False
    receiver = f"{destination.receiving_application}|{destination.receiving_facility}"
    return _bare(sender) in {_bare(one) for one in (receiver, *destination.not_from)}


def _bare(system: str) -> tuple[str, ...]:
    """Application and facility by their namespaces, without what MSH may say of them besides."""
    return tuple(one.partition("^")[0].strip().casefold() for one in system.split("|"))


def _source(resource: Resource | None) -> str:
    meta = (resource or {}).get("meta") or {}
    return str(meta.get("source", ""))
