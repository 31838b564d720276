"""No engine works: the sound is kept, everybody is told, and a job does the work later."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from fhir_server.clock import random_id, system_clock
from fhir_server.store import Outbox
from pipelines.consultation import finishing, stopping
from pipelines.consultation.closing import close
from pipelines.consultation.finishing import Claimed, finish
from pipelines.consultation.microphone import Microphone
from pipelines.consultation.note_writing import NoteStore, write_note
from pipelines.consultation.services import Services
from pipelines.engines.errors import EngineUnavailable
from pipelines.engines.meter import Unmetered
from pipelines.engines.policy import NoEngine
from pipelines.note import RulesDrafter
from pipelines.ports import AudioFormat, Chart, NoteDraft, NoteDrafter, Role, Segment
from pipelines.store import ConsultationStore
from tests.pipelines.consultation.clinic import CALLER, Clinic, Line, eventually
from tests.pipelines.consultation.conftest import clinic  # noqa: F401 - a fixture
from tests.pipelines.consultation.test_consultation import LINES, TWO, heard, speak
from tests.pipelines.engines.ears import Ear, conversation, sound
from tests.pipelines.engines.ordered import drafters, transcribers

AUDIO = AudioFormat(1, (Role.DOCTOR,))
SECONDS = 10.0


class Pen:
    """A drafter that is down for a while, or writes what the rules write."""

    live_interval = 0.0

    def __init__(self, name: str, *, down: bool = False) -> None:
        self.name = name
        self.down = down
        self.asked = 0

    async def draft(self, segments: list[Segment], chart: Chart) -> NoteDraft:
        self.asked += 1
        if self.down:
            raise EngineUnavailable("pen", "It is away.", "Wait.")
        return await RulesDrafter().draft(segments, chart)


def worker(clinic: Clinic, ear: Ear | None = None, *pens: NoteDrafter) -> Services:  # noqa: F811
    return Services(
        store=clinic.store,
        transcriber=transcribers(ear or clinic.script),
        drafter=drafters(*(pens or (RulesDrafter(),))),
        bus=clinic.bus,
        clock=system_clock,
        ids=random_id,
        settings=clinic.settings,
        meter=Unmetered(),
    )


async def pour(microphone: Microphone, pcm: bytes) -> None:
    for number, at in enumerate(range(0, len(pcm), 32_000)):
        await microphone.append(number, pcm[at : at + 32_000])


async def waiting(clinic: Clinic, encounter: str, work: str) -> None:  # noqa: F811
    async def said() -> bool:
        record = await ConsultationStore(clinic.store.database).read(encounter)
        return record.waiting == work

    await eventually(said)


async def jobs(clinic: Clinic) -> list[str]:  # noqa: F811
    rows = await Outbox(clinic.store.database).pending(1000)
    return [row.type for row in rows if row.topic == "job"]


async def left_to_a_worker(clinic: Clinic) -> None:  # noqa: F811
    """Wait until the process itself tries no more."""

    async def ordered() -> bool:
        return stopping.FINISH in await jobs(clinic)

    await eventually(ordered)


async def test_it_is_finished_later_though_the_worker_is_killed(clinic: Clinic) -> None:  # noqa: F811
    words = conversation(3, SECONDS, 1)
    ear, other = Ear("ear 1", words, down=True), Ear("ear 2", words, down=True)
    process = clinic.process(transcriber=[ear, other])
    encounter = await clinic.begin(process, AUDIO)
    microphone = await process.microphone(encounter, AUDIO)
    await pour(microphone, sound(words, SECONDS, 1))
    await waiting(clinic, encounter, "transcription")
    live = await process.snapshot(encounter)
    assert (live["status"], live["waiting"]) == ("recording", "transcription")
    await process.stop(encounter)
    await left_to_a_worker(clinic)
    errors = [data["code"] for type, data in await clinic.events(encounter) if type == "error"]
    assert errors == ["no-transcription"]
    assert (await process.snapshot(encounter))["status"] == "stopping"
    with pytest.raises(NoEngine):
        await finish(worker(clinic, ear), encounter)

    ear.down, ear.delay = False, 0.3
    first = asyncio.create_task(finish(worker(clinic, ear), encounter))
    await heard(process, encounter, 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    ear.delay = 0.0
    assert await finish(worker(clinic, ear), encounter)
    found = await process.snapshot(encounter)
    assert (found["status"], found["waiting"]) == ("finished", None)
    said = " ".join(one["text"] for one in found["segments"]).split()
    assert said == [f"w{word.value}" for word in words]
    assert not await finish(worker(clinic, ear), encounter)


async def test_one_worker_at_a_time(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    words = conversation(4, 4.0, 1)
    ear = Ear("ear", words, down=True)
    process = clinic.process(transcriber=[ear])
    encounter = await clinic.begin(process, AUDIO)
    microphone = await process.microphone(encounter, AUDIO)
    await pour(microphone, sound(words, 4.0, 1))
    await process.stop(encounter)
    await left_to_a_worker(clinic)
    ear.down = False
    store, now = ConsultationStore(clinic.store.database), system_clock()
    killed = now + timedelta(seconds=finishing.CLAIM_SECONDS)
    assert await store.claim(encounter, "a worker that was killed", now, killed)
    with pytest.raises(Claimed):
        await finish(worker(clinic, ear), encounter)
    assert await store.claim(encounter, "a worker that was killed", now, now)
    assert await finish(worker(clinic, ear), encounter)


async def test_a_note_that_no_engine_can_write_follows_later(clinic: Clinic) -> None:  # noqa: F811
    clinic.script.lines = LINES
    pen = Pen("pen 1", down=True)
    process = clinic.process(drafter=[pen])
    encounter = await clinic.begin(process, TWO)
    await speak(await process.microphone(encounter, TWO), 9, 2)
    await heard(process, encounter, 4)
    await process.stop(encounter)

    async def drained() -> bool:
        return (await process.find(encounter)).drained

    await eventually(drained)
    with pytest.raises(NoEngine):
        await finish(worker(clinic, None, pen), encounter)
    found = await process.snapshot(encounter)
    assert (found["status"], found["waiting"], found["note"]) == ("stopping", "note", None)
    pen.down = False
    assert await finish(worker(clinic, None, pen), encounter)
    found = await process.snapshot(encounter)
    assert (found["status"], found["waiting"]) == ("finished", None)
    assert found["note"]["engine"] == "pen 1"


async def test_somebody_may_decide_to_wait_no_longer(clinic: Clinic) -> None:  # noqa: F811
    clinic.script.lines = [LINES[0], Line(0, 4.0, 5.8, "FAIL always")]
    clinic.script.failures = 10_000
    process = clinic.process()
    encounter = await clinic.begin(process, TWO)
    await speak(await process.microphone(encounter, TWO), 9, 2)
    await process.stop(encounter)
    await left_to_a_worker(clinic)
    assert await stopping.close_as_it_is(clinic.store, encounter)
    assert await close(encounter, store=clinic.store, drafter=RulesDrafter(), clock=system_clock)
    found = await process.snapshot(encounter)
    assert "transcript is not" in found["message"]
    assert len(found["segments"]) == 1


async def test_the_next_drafter_writes_and_the_first_one_again_at_the_end(clinic: Clinic) -> None:  # noqa: F811
    clinic.script.lines = LINES
    first, second = Pen("first 1", down=True), Pen("second 1")
    process = clinic.process(drafter=[first, second])
    encounter = await clinic.begin(process, TWO)
    await speak(await process.microphone(encounter, TWO), 9, 2)
    await heard(process, encounter, 4)

    async def noted() -> bool:
        return (await process.find(encounter)).note is not None

    await eventually(noted)
    assert (await process.snapshot(encounter))["note"]["engine"] == "second 1"
    note = (await clinic.resources("Composition"))[0]
    assert note["author"][0]["display"] == "second 1"
    first.down = False
    await process.stop(encounter)

    async def drained() -> bool:
        return (await process.find(encounter)).drained

    await eventually(drained)
    assert await finish(worker(clinic, None, first, second), encounter)
    assert first.asked > 1


async def test_a_draft_that_comes_after_the_signature_changes_nothing(clinic: Clinic) -> None:  # noqa: F811
    clinic.script.lines = LINES
    process = clinic.process()
    encounter = await clinic.begin(process, TWO)
    await speak(await process.microphone(encounter, TWO), 9, 2)
    await heard(process, encounter, 4)
    await process.stop(encounter)

    async def drained() -> bool:
        return (await process.find(encounter)).drained

    await eventually(drained)
    assert await finish(worker(clinic), encounter)
    await process.sign(encounter, CALLER)
    before = (await clinic.resources("Composition"))[0]
    late = Segment("s9", 1, Role.PATIENT, 8, 9, "I have a headache since Monday.", 0.9)
    journal = await worker(clinic).journal.load(encounter)
    store = NoteStore(clinic.store, drafters(Pen("late 1")), system_clock)
    assert not await write_note(store, encounter, [*journal, late], Chart())
    assert (await clinic.resources("Composition"))[0] == before


async def test_who_did_what_stands_in_provenance(clinic: Clinic) -> None:  # noqa: F811
    words = conversation(5, SECONDS, 1)
    ears = [Ear("amazon-transcribe 1", words, lives=[1, 0]), Ear("whisper tiny.en", words)]
    process = clinic.process(transcriber=ears)
    encounter = await clinic.begin(process, AUDIO)
    microphone = await process.microphone(encounter, AUDIO)
    await pour(microphone, sound(words, SECONDS, 1))
    await process.stop(encounter)

    async def drained() -> bool:
        return (await process.find(encounter)).drained

    await eventually(drained)
    assert await finish(worker(clinic, ears[1]), encounter)
    transcript = (await process.find(encounter)).transcript
    (proof,) = [
        one
        for one in await clinic.resources("Provenance")
        if one["target"][0]["reference"] == transcript
    ]
    used = {
        agent["who"]["display"]: {part["url"]: part for part in agent["extension"][0]["extension"]}
        for agent in proof["agent"]
    }
    assert set(used) == {"amazon-transcribe 1", "whisper tiny.en"}
    cloud = used["amazon-transcribe 1"]
    minutes = float(cloud["audioSeconds"]["valueDecimal"]) / 60
    money = cloud["estimatedCost"]["valueMoney"]
    assert float(money["value"]) == pytest.approx(0.024 * minutes, abs=1e-5)
    assert money["currency"] == "USD"
    assert cloud["span"]["valueRange"]["low"]["code"] == "s"
    documents = await clinic.resources("DocumentReference")
    (document,) = [one for one in documents if transcript.endswith(one["id"])]
    assert {one["display"] for one in document["author"]} >= set(used)
