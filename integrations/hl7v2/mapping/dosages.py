"""The dosage instructions that RXE, TQ1 and RXR make of one medication."""

from __future__ import annotations

import copy

from integrations.hl7v2.mapping.context import Json
from integrations.hl7v2.mapping.timings import finish_timing


def finish_dosages(dosages: list[Json]) -> list[str]:
    """Finishes them in place; returns what had to be left out."""
    _join(dosages)
    notes = []
    for dosage in dosages:
        finish_timing(dosage.get("timing", {}))
        notes += _amounts(dosage)
    return notes


def _join(dosages: list[Json]) -> None:
    """Dose (RXE), timing (TQ1) and route (RXR) that each stand once are one instruction.

    Several timings are instructions of their own, of one dose and route. Of two doses or routes
    nothing says which timing each belongs to: there all stay as they are.
    """
    _bounds_alone(dosages)
    _timed_twice(dosages)
    timed = [one for one in dosages if "timing" in one]
    common = [one for one in dosages if "timing" not in one]
    names = [name for one in common for name in one]
    told = {name for one in timed for name in one if len(timed) > 1 or name != "timing"}
    if len(dosages) < 2 or len(names) != len(set(names)) or told & set(names):
        return
    shared = {name: held for one in common for name, held in one.items()}
    dosages[:] = [{**copy.deepcopy(shared), **one} for one in timed] or [shared]


def _timed_twice(dosages: list[Json]) -> None:
    """ORC-7 and RXE-1 tell the same timing: a timing alone beside its equal says nothing."""
    kept: list[Json] = []
    for one in dosages:
        others = [
            held for held in dosages if held is not one and held.get("timing") == one.get("timing")
        ]
        if one.keys() == {"timing"} and any(len(held) > 1 or held in kept for held in others):
            continue
        kept.append(one)
    dosages[:] = kept


def _bounds_alone(dosages: list[Json]) -> None:
    """RXE-1 with a begin alone, beside the timings of TQ1: it is when these begin."""
    bare = [one for one in dosages if one.get("timing", {}).keys() == {"repeat"}]
    bare = [one for one in bare if one["timing"]["repeat"].keys() == {"boundsPeriod"}]
    if len(bare) != 1 or sum("timing" in one for one in dosages) < 2:
        return
    bounds = bare[0].pop("timing")["repeat"]["boundsPeriod"]
    for one in dosages:
        if "timing" in one:
            one["timing"].setdefault("repeat", {}).setdefault("boundsPeriod", dict(bounds))


def _amounts(dosage: Json) -> list[str]:
    """rng-2 and rat-1: a range that runs backwards and half of a ratio are nothing to dose by."""
    notes = []
    for entry in dosage.get("doseAndRate", ()):
        for name in ("doseRange", "rateRange"):
            low, high = (entry.get(name, {}).get(side, {}).get("value") for side in ("low", "high"))
            if low is not None and high is not None and float(low) > float(high):
                del entry[name]
                notes.append("a dose whose least amount is above its greatest was left out")
    dosage["doseAndRate"] = [one for one in dosage.get("doseAndRate", ()) if one]
    if not dosage["doseAndRate"]:
        del dosage["doseAndRate"]
    if "value" not in dosage.get("maxDosePerPeriod", {}).get("numerator", {}):
        dosage.pop("maxDosePerPeriod", None)
    return notes
