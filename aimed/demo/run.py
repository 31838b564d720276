"""Plays one consultation through a running server and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aimed.demo.api import Api, DemoError
from aimed.demo.checks import Check, Evidence, checks, collect, planted
from aimed.demo.latency import Latencies, measure
from aimed.demo.microphone import Microphone
from aimed.demo.screen import Screen
from aimed.demo.watcher import Watcher
from pipelines.ports import AudioFormat

CLOSING_SECONDS = 120.0
"""How long the final note may take. The promise is 30 s; a busy laptop gets more before we fail."""


@dataclass(frozen=True)
class Visit:
    """What is played. `chart` is a FHIR transaction Bundle with the patient in it."""

    title: str
    chart: dict[str, Any]
    pcm: bytes
    audio: AudioFormat
    reason: str | None = None
    alerts: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of it."""

    encounter: str
    speech: bool
    message: str
    segments: int
    evidence: Evidence
    checks: Sequence[Check]
    latencies: Latencies
    counts: dict[str, int]
    closing_seconds: float
    alerts: Sequence[dict[str, Any]]


async def play(api: Api, visit: Visit, *, speed: float, screen: Screen) -> Result:
    """Start, stream, watch, stop, acknowledge, sign, and read everything back.

    Raises `DemoError` with a sentence for the terminal.
    """
    patient = await _chart(api, visit.chart)
    encounter = await _start(api, visit, patient)
    microphone = Microphone(
        api.url, api.token, visit.pcm, visit.audio, speed=speed, on_sent=screen.heard
    )
    watcher = Watcher(api.url, api.token, on_event=screen.event)
    following = asyncio.create_task(watcher.follow(encounter))
    try:
        screen.begin(visit.title, microphone.seconds, f"{api.url}/#/encounters/{encounter}")
        await microphone.stream(encounter)
        stopping = watcher.clock()
        finished = await _finished(watcher)
        signed = finished.data["note"] is not None
        if signed:
            await _acknowledge_and_sign(api, watcher, encounter)
    finally:
        following.cancel()
        screen.end()
    evidence = await collect(api, encounter, patient)
    return Result(
        encounter=encounter,
        speech=bool(finished.data["speech"]),
        message=str(finished.data["message"] or ""),
        segments=len(watcher.of("transcript.final")),
        evidence=evidence,
        checks=[
            *checks(evidence, microphone.seconds),
            *planted(evidence, visit.alerts, visit.denied),
        ],
        latencies=measure(watcher, microphone),
        counts=await _counts(api, encounter, patient),
        closing_seconds=finished.at - stopping,
        alerts=[arrival.data for arrival in watcher.of("alert.raised")],
    )


async def _chart(api: Api, chart: dict[str, Any]) -> str:
    answer = await api.post("/fhir", chart)
    locations = [entry["response"]["location"] for entry in answer["entry"]]
    for location in locations:
        parts = location.split("/fhir/")[1].split("/")
        if parts[0] == "Patient":
            return f"Patient/{parts[1]}"
    raise DemoError("The chart has no Patient.")


async def _start(api: Api, visit: Visit, patient: str) -> str:
    body: dict[str, Any] = {
        "patient": patient,
        "consent": True,
        "channels": visit.audio.channels,
        "roles": [str(role) for role in visit.audio.roles],
    }
    if visit.reason:
        body["reason"] = visit.reason
    return str((await api.post("/api/encounters", body))["id"])


async def _finished(watcher: Watcher) -> Any:
    try:
        return await watcher.until("session.finished", CLOSING_SECONDS)
    except TimeoutError:
        raise DemoError(
            f"The consultation was not closed within {CLOSING_SECONDS:.0f} s: "
            "look at worker.log and relay.log in the data folder."
        ) from None


async def _acknowledge_and_sign(api: Api, watcher: Watcher, encounter: str) -> None:
    for arrival in watcher.of("alert.raised")[:1]:
        await api.post(
            f"/api/alerts/{arrival.data['id']}/acknowledge", {"reason": "Seen; plan changed."}
        )
    await api.post(f"/api/encounters/{encounter}/sign", {})


async def _counts(api: Api, encounter: str, patient: str) -> dict[str, int]:
    of_encounter = ("Composition", "DocumentReference", "Observation")
    of_patient = ("Consent", "DetectedIssue", "MedicationStatement", "AllergyIntolerance")
    counts = {"Encounter": await api.count("Encounter", _id=encounter)}
    for type in of_encounter:
        counts[type] = await api.count(type, encounter=f"Encounter/{encounter}")
    for type in of_patient:
        counts[type] = await api.count(type, patient=patient)
    counts["Provenance"] = await api.count("Provenance", patient=patient)
    return counts
