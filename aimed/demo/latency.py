"""Latencies as the clinician feels them: from the sound to the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimed.demo.microphone import Microphone
from aimed.demo.watcher import Arrival, Watcher


@dataclass(frozen=True)
class Latencies:
    """Seconds; empty where nothing of the kind happened.

    `first_partial` from the onset of speech, `finals` and `alerts` from the end of the words.
    """

    first_partial: float | None
    finals: tuple[float, ...]
    alerts: tuple[float, ...]


def measure(watcher: Watcher, microphone: Microphone) -> Latencies:
    """Compare when sound was sent with when its event came."""
    partials = watcher.of("transcript.partial", "transcript.final")
    finals = watcher.of("transcript.final")
    ends = {final.data["id"]: float(final.data["end"]) for final in finals}
    alerts = [
        (arrival, max(ends[id] for id in arrival.data["evidence"]))
        for arrival in watcher.of("alert.raised")
        if all(id in ends for id in arrival.data["evidence"]) and arrival.data["evidence"]
    ]
    return Latencies(
        first_partial=_first(partials, microphone),
        finals=_differences([(final, float(final.data["end"])) for final in finals], microphone),
        alerts=_differences(alerts, microphone),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def _first(partials: Sequence[Arrival], microphone: Microphone) -> float | None:
    if not partials:
        return None
    sent = microphone.sent_at(float(partials[0].data["start"]))
    return None if sent is None else partials[0].at - sent


def _differences(
    pairs: Sequence[tuple[Arrival, float]], microphone: Microphone
) -> tuple[float, ...]:
    sent = [(arrival.at, microphone.sent_at(position)) for arrival, position in pairs]
    return tuple(at - when for at, when in sent if when is not None)
