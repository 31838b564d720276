"""Each listener with its counts and what is wrong with it; numbers for a monitoring system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fhir_server.store.connection import Database
from integrations.hl7v2.outbound.figures import gauges as outbound_gauges
from integrations.hl7v2.settings import Hl7v2Settings, ListenerSettings, ReceivingWarnings
from integrations.hl7v2.store.feed_figures import ListenerCounts, known_listeners, listener_counts


@dataclass(frozen=True)
class Feed:
    """One listener, or `http` or `file`, by which messages come.

    `address` and `mode` are empty where nothing listens. `warnings` are of backlog, oldest, failed
    and silence.
    """

    counts: ListenerCounts
    address: str
    mode: str
    tls: bool
    warnings: tuple[str, ...]


async def feeds(
    database: Database, settings: Hl7v2Settings, now: datetime, since: datetime | None = None
) -> list[Feed]:
    """All that are configured, and all that something has come by.

    A listener that has never received anything counts as silent from `since` on.
    """
    configured = {one.name: one for one in settings.listeners}
    others = [one for one in await known_listeners(database) if one not in configured]
    counted = await listener_counts(database, (*configured, *others), now)
    return [_feed(one, configured.get(one.name), settings.warn, now, since) for one in counted]


def _feed(
    counts: ListenerCounts,
    listener: ListenerSettings | None,
    warn: ReceivingWarnings,
    now: datetime,
    since: datetime | None,
) -> Feed:
    silence = listener.silence_seconds if listener else 0
    wrong = _faults(counts, warn, silence, now, since)
    if listener is None:
        return Feed(counts, "", "", False, wrong)
    address = f"{listener.host}:{listener.port}" if listener.port else listener.host
    tls = listener.tls.certificate is not None
    return Feed(counts, address, listener.mode, tls, wrong)


def _faults(
    counts: ListenerCounts,
    warn: ReceivingWarnings,
    silence: float,
    now: datetime,
    since: datetime | None,
) -> tuple[str, ...]:
    last = counts.last or since
    wrong = {
        "backlog": counts.waiting >= warn.backlog,
        "oldest": counts.oldest is not None
        and now - counts.oldest >= timedelta(seconds=warn.oldest_seconds),
        "failed": counts.failed >= warn.failed,
        "silence": bool(silence and last and now - last >= timedelta(seconds=silence)),
    }
    return tuple(name for name, is_so in wrong.items() if is_so)


async def gauges(
    database: Database, settings: Hl7v2Settings, now: datetime
) -> dict[str, dict[str, float]]:
    """Numbers to watch, by side and name: `listener` "adt.waiting", `destination` "lab.backlog".

    No label holds patient data: names are those of the settings.
    """
    received: dict[str, float] = {}
    for one in await feeds(database, settings, now):
        counts = one.counts
        received |= {
            f"{counts.name}.received_hour": counts.received,
            f"{counts.name}.failed_hour": counts.failed,
            f"{counts.name}.waiting": counts.waiting,
            f"{counts.name}.oldest_seconds": _age(counts.oldest, now),
            f"{counts.name}.silent_seconds": _age(counts.last, now),
            f"{counts.name}.dead": counts.dead,
        }
    destinations = list(settings.outbound.destinations)
    return {
        "listener": received,
        "destination": await outbound_gauges(database, destinations, now),
    }


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
