"""An engine that costs something is asked now and then while people talk, and once at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fhir_server.clock import system_clock
from pipelines.consultation.closing import close
from pipelines.note import RulesDrafter
from pipelines.ports import Chart, NoteDraft, Segment
from tests.pipelines.consultation.clinic import TWO, Clinic, Line, eventually
from tests.pipelines.consultation.test_consultation import speak
from tests.pipelines.engines.ordered import drafters

LINES = [
    Line(1, at + 0.2, at + 0.8, f"I have had chest pain for {at + 2} days.") for at in range(8)
]


@dataclass
class Dear:
    """The rules at a price."""

    live_interval: float
    name: str = "dear 1"
    asked: list[int] = field(default_factory=list)

    async def draft(self, segments: Sequence[Segment], chart: Chart) -> NoteDraft:
        self.asked.append(len(segments))
        return await RulesDrafter().draft(segments, chart)


async def test_live_drafts_keep_their_distance_and_closing_asks_nobody(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    dear = Dear(live_interval=3600)
    consultations = clinic.process(drafter=(dear,))
    encounter = await clinic.begin(consultations, TWO)
    microphone = await consultations.microphone(encounter, TWO)
    await speak(microphone, 3, 2)

    async def drafted() -> bool:
        return bool(dear.asked)

    await eventually(drafted)
    await speak(microphone, 6, 2)
    await consultations.stop(encounter)

    async def drained() -> bool:
        return (await consultations.find(encounter)).drained

    await eventually(drained)
    assert len(dear.asked) == 2
    assert dear.asked[-1] == len(LINES)
    again = drafters(dear)
    assert await close(encounter, store=clinic.store, drafter=again, clock=system_clock)
    assert len(dear.asked) == 2
    record = await consultations.find(encounter)
    assert record.note is not None
    assert record.note["left_out"] == 0


async def test_another_engine_drafts_again_when_closing(clinic: Clinic) -> None:
    clinic.script.lines = LINES[:2]
    consultations = clinic.process(drafter=(Dear(0.0, name="broken-down 1"),))
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 3, 2)
    await consultations.stop(encounter)

    async def drained() -> bool:
        return (await consultations.find(encounter)).drained

    await eventually(drained)
    better = Dear(0.0, name="better 1")
    closing = drafters(better)
    assert await close(encounter, store=clinic.store, drafter=closing, clock=system_clock)
    assert better.asked == [2]
