"""A consultation whose recording moves to S3, and one that is transcribed again there."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import boto3
import numpy as np
import pytest
from redis.asyncio import Redis

from fhir_server.clock import random_id, system_clock
from fhir_server.errors import NotSupported, Unavailable, VersionConflict
from fhir_server.store import MongoStore, Outbox
from fhir_server.store.connection import Database
from integrations.aws.batch.transcription import TranscriptionJobs
from integrations.aws.credentials import AwsAccess
from integrations.aws.settings import AwsSettings
from integrations.aws.storage.recordings import S3Recordings
from integrations.redis_events import RedisEventBus
from pipelines.consultation.closing import close
from pipelines.consultation.moving import MOVE, move_recording
from pipelines.consultation.note_writing import NoteStore
from pipelines.consultation.retranscribing import RETRANSCRIBE, abandon, retranscribe
from pipelines.note import RulesDrafter
from pipelines.resources.identity import derived_id
from pipelines.settings import ConsultationSettings
from pipelines.store import AudioSpool
from tests.integrations.aws.account import TWO, credentials
from tests.integrations.aws.test_batch_jobs import STOP, item
from tests.pipelines.consultation.clinic import (
    CALLER,
    PATIENT,
    Clinic,
    Line,
    Script,
    eventually,
)
from tests.stand_ins.transcribe import REGION

LINES = [
    Line(0, 0.5, 1.5, "What brings you in today?"),
    Line(1, 2.0, 4.0, "I have had chest pain for two weeks."),
]
BETTER = "I have had chest pain for three weeks."


@pytest.fixture
def account(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> AwsSettings:
    credentials(monkeypatch)
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=aws_url)
    bucket = f"b{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return AwsSettings.model_validate(
        {
            "region": REGION,
            "endpoint": aws_url,
            "max_attempts": 1,
            "transcribe": {"kind": "general"},
            "batch": {"bucket": bucket},
            "recordings": {"bucket": bucket},
        }
    )


@pytest.fixture
async def clinic(database: Database, redis_uri: str, account: AwsSettings) -> AsyncIterator[Clinic]:
    redis = Redis.from_url(redis_uri)
    home = S3Recordings(account, AwsAccess(account))
    store = MongoStore(database, clock=system_clock, ids=random_id, home=home)
    await store.prepare()
    settings = ConsultationSettings(note_debounce_seconds=0.02, retry_seconds=0.01)
    bus = RedisEventBus(redis, clock=system_clock)
    clinic = Clinic(store, bus, Script(list(LINES)), settings, second_engine="second 1")
    await clinic.process().prepare()
    await store.transact(lambda unit: unit.put(PATIENT))
    yield clinic
    for process in clinic.running:
        await process.aclose()
    await redis.aclose()


async def finished(clinic: Clinic) -> str:
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    microphone = await consultations.microphone(encounter, TWO)
    sound = np.random.default_rng(3).integers(-3000, 3000, 5 * 32_000).astype("<i2").tobytes()
    for number in range(10):
        await microphone.append(number, sound[number * 32_000 : (number + 1) * 32_000])
    await consultations.stop(encounter)

    async def drained() -> bool:
        return (await consultations.find(encounter)).drained

    await eventually(drained)
    assert await close(
        encounter, store=clinic.store, drafter=RulesDrafter(), clock=system_clock, moving=True
    )
    return encounter


async def recording(clinic: Clinic, encounter: str, start: int = 0, stop: int = 0) -> bytes:
    stored = await clinic.store.read("Binary", derived_id(encounter, "audio.flac"))
    content = clinic.store.content(stored)
    return b"".join([one async for one in content.read(start, stop or content.length)])


async def jobs(clinic: Clinic, type: str) -> list[dict[str, Any]]:
    rows = await Outbox(clinic.store.database).pending(1000)
    return [row.data for row in rows if row.topic == "job" and row.type == type]


async def test_the_recording_moves_and_is_read_back_as_before(
    clinic: Clinic, account: AwsSettings
) -> None:
    encounter = await finished(clinic)
    assert await jobs(clinic, MOVE) == [{"encounter": encounter}]
    before = await recording(clinic, encounter)
    assert before.startswith(b"fLaC")
    assert await move_recording(encounter, clinic.store)
    assert await move_recording(encounter, clinic.store)
    chunks = clinic.store.database["content.chunks"]
    assert await chunks.count_documents({}) == 0
    assert await AudioSpool(clinic.store.database).next_frame(encounter) == 0
    assert await recording(clinic, encounter) == before
    assert await recording(clinic, encounter, 70_000, 70_010) == before[70_000:70_010]
    stored = await clinic.store.read("Binary", derived_id(encounter, "audio.flac"))
    assert len((await clinic.store.whole(stored))["data"]) > len(before)


async def test_an_outage_keeps_everything_where_it_is(clinic: Clinic, account: AwsSettings) -> None:
    encounter = await finished(clinic)
    gone = account.model_copy(update={"endpoint": "http://127.0.0.1:9"})
    away = MongoStore(
        clinic.store.database,
        clock=system_clock,
        ids=random_id,
        home=S3Recordings(gone, AwsAccess(gone)),
    )
    before = await recording(clinic, encounter)
    with pytest.raises(Unavailable, match="cannot be kept in S3"):
        await move_recording(encounter, away)
    assert await recording(clinic, encounter) == before
    assert await AudioSpool(clinic.store.database).next_frame(encounter) == 10
    assert await move_recording(encounter, clinic.store)
    clinic.store = away
    with pytest.raises(Unavailable, match="cannot be read from S3"):
        await recording(clinic, encounter)
    clinic.store = MongoStore(away.database, clock=system_clock, ids=random_id)
    with pytest.raises(Unavailable, match="settings do not name"):
        await recording(clinic, encounter)


async def test_transcribed_again_before_the_signature(clinic: Clinic, account: AwsSettings) -> None:
    encounter = await finished(clinic)
    consultations = clinic.running[-1]
    await again(clinic, account, encounter)
    snapshot = await consultations.snapshot(encounter)
    assert [one["text"] for one in snapshot["segments"]] == ["What brings you in?", BETTER]
    assert [one["id"] for one in snapshot["segments"]] == ["r1s1", "r1s2"]
    assert [one["role"] for one in snapshot["segments"]] == ["doctor", "patient"]
    assert snapshot["revising"] is False
    sentences = [one for part in snapshot["note"]["sections"] for one in part["sentences"]]
    assert any("three weeks" in one["text"] for one in sentences)
    assert {id for one in sentences for id in one["evidence"]} <= {"r1s1", "r1s2"}
    transcript = await clinic.store.read(*derived("transcript", encounter))
    titles = [one["attachment"]["title"] for one in transcript.resource()["content"]]
    assert titles == [
        "transcript-1.json",
        "transcript-1.vtt",
        "transcript.json",
        "transcript.vtt",
    ]
    told = [one["target"][0]["reference"] for one in await clinic.resources("Provenance")]
    assert told.count(f"{transcript.reference}/_history/{transcript.version}") == 1
    signature = await consultations.sign(encounter, CALLER)
    assert signature.note
    # A signed note keeps its transcript; the newer one is filed.
    await again(clinic, account, encounter)
    after = await consultations.snapshot(encounter)
    assert after["segments"] == snapshot["segments"]
    assert after["note"]["sections"] == snapshot["note"]["sections"]
    assert after["status"] == "signed"
    newest = (await clinic.store.read(*derived("transcript", encounter))).resource()
    assert newest["content"][0]["attachment"]["title"] == "transcript-2.json"
    types = [type for type, _ in await clinic.events(encounter)]
    assert types.count("transcript.revising") == types.count("transcript.revised") == 2


async def test_what_cannot_be_ordered(clinic: Clinic, account: AwsSettings) -> None:
    consultations = clinic.process()
    running = await clinic.begin(consultations, TWO)
    with pytest.raises(VersionConflict, match="not finished"):
        await consultations.retranscribe(running)
    encounter = await finished(clinic)
    await consultations.retranscribe(encounter)
    with pytest.raises(VersionConflict, match="already"):
        await consultations.retranscribe(encounter)
    services = NoteStore(clinic.store, RulesDrafter(), system_clock)
    await abandon(encounter, 1, services)
    snapshot = await consultations.snapshot(encounter)
    assert [one["id"] for one in snapshot["segments"]] == ["s1", "s2"]
    engine = TranscriptionJobs(account, AwsAccess(account))
    assert await retranscribe(encounter, 1, services=services, engine=engine)
    clinic.second_engine = None
    with pytest.raises(NotSupported):
        await clinic.process().retranscribe(encounter)


async def test_an_engine_that_refuses_leaves_the_transcript(
    clinic: Clinic, account: AwsSettings
) -> None:
    encounter = await finished(clinic)
    await clinic.running[-1].retranscribe(encounter)
    batch = account.batch.model_copy(update={"bucket": "nowhere-at-all"})
    broken = account.model_copy(update={"batch": batch})
    services = NoteStore(clinic.store, RulesDrafter(), system_clock)
    engine = TranscriptionJobs(broken, AwsAccess(broken))
    assert await retranscribe(encounter, 1, services=services, engine=engine)
    snapshot = await clinic.running[-1].snapshot(encounter)
    assert snapshot["revising"] is False
    assert [one["id"] for one in snapshot["segments"]] == ["s1", "s2"]


def derived(name: str, encounter: str) -> tuple[str, str]:
    return "DocumentReference", derived_id(encounter, name)


async def again(clinic: Clinic, account: AwsSettings, encounter: str) -> None:
    """Order it, and do the job's steps as the worker does, with the result that AWS would leave."""
    await clinic.running[-1].retranscribe(encounter)
    ordered = (await jobs(clinic, RETRANSCRIBE))[-1]
    number, endpoint = ordered["revision"], account.endpoint
    services = NoteStore(clinic.store, RulesDrafter(), system_clock)
    engine = TranscriptionJobs(account, AwsAccess(account))
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=endpoint)
    bucket = account.batch.bucket
    for step in range(6):
        if await retranscribe(encounter, number, services=services, engine=engine):
            break
        assert step < 5
        key = f"aimed/jobs/aimed-{encounter}-{number}"
        sent = s3.get_object(Bucket=bucket, Key=f"{key}.flac")["Body"].read()
        assert sent == await recording(clinic, encounter)
        s3.put_object(Bucket=bucket, Key=f"{key}.json", Body=json.dumps(_result()).encode())
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="aimed/jobs/")
    assert "Contents" not in listed


def _result() -> dict[str, Any]:
    said = [("What brings you in?", 0.5), (BETTER, 2.0)]
    channels = []
    for channel, (text, start) in enumerate(said):
        words = text.rstrip(".?").split()
        items = [
            item(word, round(start + place * 0.2, 2), round(start + place * 0.2 + 0.2, 2))
            for place, word in enumerate(words)
        ]
        stop = {**STOP, "alternatives": [{"confidence": "0.0", "content": text[-1]}]}
        channels.append({"channel_label": f"ch_{channel}", "items": [*items, stop]})
    labels = {"number_of_channels": 2, "channels": channels}
    return {"jobName": "j", "results": {"items": [], "channel_labels": labels}}
