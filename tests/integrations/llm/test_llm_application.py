"""The application as `aimed serve` and `aimed worker` build it, its language model a stand-in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import soundfile

from aimed.assembly import create_app
from aimed.celery_app import CLOSE_CONSULTATION, make_celery
from aimed.settings import Settings
from fhir_server.auth.caller import Caller
from fhir_server.store.connection import Database
from pipelines.consultation.consultations import Consultations
from pipelines.consultation.starting import Beginning
from pipelines.ports import AudioFormat, Role
from pipelines.store import State
from tests.pipelines.consultation.clinic import PATIENT, eventually
from tests.stand_ins.openai_server import KEY, MODEL, OpenAiServer, openai_server, quoting

CALLER = Caller("Practitioner/d1", "Dr Adams", "user/*.cruds")
SAMPLE = Path("aimed/samples/consultation/consultation.opus")
TWO = AudioFormat(2, (Role.DOCTOR, Role.PATIENT))
SECONDS = 12


def settings(server: OpenAiServer, database: Database, mongo: str, redis: str) -> Settings:
    return Settings.model_validate(
        {
            "mongo": {"uri": mongo, "database": database.name},
            "redis": {"uri": redis},
            "engines": {"note": ["openai", "rules"]},
            "llm": {"model": MODEL, "base_url": server.url, "api_key": KEY, "live_seconds": 60},
        }
    )


async def record(consultations: Consultations) -> str:
    """The first words of the sample, as a microphone sends them."""
    pcm, _ = soundfile.read(SAMPLE, frames=SECONDS * 16_000, dtype="int16", always_2d=True)
    sound = pcm.tobytes()
    encounter = await consultations.start(Beginning("Patient/p1", True, TWO), CALLER)
    microphone = await consultations.microphone(encounter, TWO)
    step = TWO.bytes_per_second // 2
    for number, at in enumerate(range(0, len(sound), step)):
        await microphone.append(number, sound[at : at + step])
    await consultations.stop(encounter)

    async def drained() -> bool:
        return (await consultations.find(encounter)).drained

    await eventually(drained, 90)
    return encounter


async def test_a_consultation_is_written_up_by_the_model(
    database: Database, mongo_uri: str, redis_uri: str
) -> None:
    async with openai_server(quoting) as server:
        chosen = settings(server, database, mongo_uri, redis_uri)
        app = await asyncio.to_thread(create_app, chosen)
        async with app.router.lifespan_context(app):
            store = app.state.fhir.server.store
            await store.transact(lambda unit: unit.put(PATIENT))
            encounter = await record(app.state.consultations)
            asked = len(server.requests)
            assert asked >= 1
            jobs = make_celery(chosen)
            await asyncio.to_thread(jobs.tasks[CLOSE_CONSULTATION].apply, args=[encounter])
            done = await app.state.consultations.find(encounter)
            page = await store.search({"type": "Composition", "deleted": False}, count=10)
            (note,) = [one.resource() for one in page.entries]
    assert done.state is State.FINISHED
    assert server.faults == []
    # Closing found the note drafted from all that was said, and asked nobody.
    assert len(server.requests) == asked
    assert note["author"][0]["display"] == f"openai {MODEL} prompt 1"
    said = {one["text"] for one in server.data[-1]["segments"]}
    assert said
    written = {one["text"] for part in done.note["sections"] for one in part["sentences"]}
    assert written <= said
    assert written
