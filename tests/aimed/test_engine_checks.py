"""`aimed check engines` against engines that work, and that do not."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from aimed.engine_checks import EngineCheck, check_engines
from aimed.settings import Settings
from pipelines.engines.usage import Work
from tests.integrations.aws.account import credentials, noise
from tests.integrations.aws.conftest import aws_url  # noqa: F401
from tests.stand_ins.openai_server import KEY, MODEL, note, openai_server
from tests.stand_ins.transcribe import REGION, Fault, Service, serving

COUGH = note(subjective=[("Cough for 3 days.", ["s1"])])


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    credentials(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ENGINES__TRANSCRIPTION": '["aws"]',
        "ENGINES__NOTE": '["openai"]',
        "AWS__REGION": REGION,
        "AWS__TRANSCRIBE__LIMITS__RECONNECT_SECONDS": "0.01",
        "AWS__MAX_ATTEMPTS": "1",
        "LLM__MODEL": MODEL,
        "LLM__API_KEY": KEY,
    }.items():
        monkeypatch.setenv(f"AIMED_{name}", value)


async def look(monkeypatch: pytest.MonkeyPatch, service: Service) -> list[EngineCheck]:
    async with serving(service) as speech, openai_server(COUGH) as model:
        monkeypatch.setenv("AIMED_AWS__STREAMING_ENDPOINT", speech)
        monkeypatch.setenv("AIMED_LLM__BASE_URL", model.url)
        return [one async for one in check_engines(Settings())]


async def test_engines_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, wrote = await look(monkeypatch, Service(noise(1, 1), []))
    assert (heard.work, heard.key, heard.works) == (Work.TRANSCRIPTION, "aws", True)
    assert (wrote.work, wrote.key, wrote.works) == (Work.NOTE, "openai", True)
    assert heard.seconds
    assert "took" in heard.text


async def test_a_refusal_says_how_to_see_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(noise(1, 1), [], faults=[Fault(1, "refuse 403")])
    heard, _ = await look(monkeypatch, service)
    assert not heard.works
    assert "`aimed check engines --iam-policy`" in heard.text


async def test_jobs_are_looked_at_where_they_are_set_up(
    monkeypatch: pytest.MonkeyPatch,
    aws_url: str,  # noqa: F811
) -> None:
    monkeypatch.setenv("AIMED_AWS__ENDPOINT", aws_url)
    monkeypatch.setenv("AIMED_AWS__BATCH__BUCKET", "not-made")
    *_, absent = await look(monkeypatch, Service(noise(1, 1), []))
    assert not absent.works
    assert "bucket" in absent.text
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=aws_url)
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="not-made", CreateBucketConfiguration=where)
    *_, there = await look(monkeypatch, Service(noise(1, 1), []))
    assert (there.work, there.key, there.works) == (Work.TRANSCRIPTION, "aws", True)
    assert "batch" in there.name
    assert "Contents" not in s3.list_objects_v2(Bucket="not-made"), "nothing is left behind"


async def test_the_bucket_of_recordings_is_tried_too(
    monkeypatch: pytest.MonkeyPatch,
    aws_url: str,  # noqa: F811
) -> None:
    monkeypatch.setenv("AIMED_AWS__ENDPOINT", aws_url)
    monkeypatch.setenv("AIMED_AWS__RECORDINGS__BUCKET", "sounds")
    *_, absent = await look(monkeypatch, Service(noise(1, 1), []))
    assert (absent.work, absent.works) == ("recordings", False)
    assert "See to the name of the bucket" in absent.text
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=aws_url)
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="sounds", CreateBucketConfiguration=where)
    *_, there = await look(monkeypatch, Service(noise(1, 1), []))
    assert (there.work, there.key, there.works) == ("recordings", "aws", True)
    assert "Contents" not in s3.list_objects_v2(Bucket="sounds"), "nothing is left behind"
