"""The button that has a finished recording transcribed again: AWS end to end, in a browser."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import DomainDispatcherApplication, create_backend_app
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.microphone import Microphone
from aimed.embedded import Stack
from aimed.samples import consultation
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.e2e.conftest import Site
from tests.stand_ins.transcribe import KEY, REGION, sample_service, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SECONDS = 12
BETTER = "Good morning, doctor. I have had chest pain for about three weeks now."


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        aws_access_key_id=KEY.id,
        aws_secret_access_key=KEY.secret,
    )
    where: Any = {"LocationConstraint": REGION}
    client.create_bucket(Bucket="clinic-jobs", CreateBucketConfiguration=where)
    client.create_bucket(Bucket="clinic-recordings", CreateBucketConfiguration=where)
    yield client
    client.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def site(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site")
    with background_loop() as loop, pytest.MonkeyPatch.context() as patch:
        service = serving(sample_service())
        url = asyncio.run_coroutine_threadsafe(service.__aenter__(), loop).result(120)
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY.id,
            "AWS_SECRET_ACCESS_KEY": KEY.secret,
            "AIMED_AWS__REGION": REGION,
            "AIMED_AWS__STREAMING_ENDPOINT": url,
            "AIMED_AWS__ENDPOINT": s3.meta.endpoint_url,
            "AIMED_AWS__BATCH__BUCKET": "clinic-jobs",
            "AIMED_AWS__BATCH__POLL_SECONDS": "0.5",
            "AIMED_AWS__RECORDINGS__BUCKET": "clinic-recordings",
            "AIMED_AWS__TRANSCRIBE__LIMITS__PACE": "20",
            "AIMED_ENGINES__TRANSCRIPTION": '["aws"]',
        }.items():
            patch.setenv(name, value)
        stack = Stack(Settings(), data)
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(120)
        try:
            login = stack.first_login
            assert login is not None
            yield Site(stack.http_url, login.username, login.password, stack.mongo_uri, data)
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)
            asyncio.run_coroutine_threadsafe(service.__aexit__(None, None, None), loop).result(120)


@pytest.fixture
def encounter(site: Site) -> str:
    """The beginning of the sample consultation, recorded and stopped."""

    async def record() -> str:
        sample = consultation.load()
        pcm, _ = read_pcm(sample.audio, 2)
        async with Api(site.url) as api:
            await api.sign_in(site.username, site.password)
            made = await api.post("/fhir", sample.chart)
            patient = "/".join(made["entry"][0]["response"]["location"].split("/")[-4:-2])
            body = {
                "patient": patient,
                "consent": True,
                "channels": 2,
                "roles": ["doctor", "patient"],
            }
            id = str((await api.post("/api/encounters", body))["id"])
            part = pcm[: SECONDS * sample.format.bytes_per_second]
            await Microphone(site.url, api.token, part, sample.format, speed=8.0).stream(id)
            return id

    with background_loop() as loop:
        return asyncio.run_coroutine_threadsafe(record(), loop).result(120)


def test_the_button(encounter: str, signed_in: Page, site: Site, s3: Any, tmp_path: Path) -> None:
    page = signed_in
    page.goto(f"{site.url}/#/encounters/{encounter}")
    button = page.get_by_role("button", name="Transcribe again")
    expect(button).to_be_visible(timeout=60_000)
    expect(page.locator(".segment.patient")).to_contain_text("two weeks")
    page.screenshot(path=tmp_path / "offered.png")
    key = f"aimed/jobs/aimed-{encounter}-1"
    button.click()
    expect(page.get_by_role("button", name="Transcribing again")).to_be_disabled()
    assert _eventually(s3, "clinic-jobs", f"{key}.flac").startswith(b"fLaC")
    s3.put_object(Bucket="clinic-jobs", Key=f"{key}.json", Body=json.dumps(_result()).encode())
    expect(page.locator(".segment.patient")).to_contain_text("three weeks", timeout=60_000)
    expect(page.locator(".segment")).to_have_count(2)
    expect(page.locator(".sentence", has_text="three weeks").first).to_be_visible()
    page.locator(".sentence", has_text="three weeks").first.click()
    expect(page.locator(".segment.patient.marked")).to_be_visible()
    expect(button).to_be_enabled()
    page.screenshot(path=tmp_path / "again.png")
    page.reload()
    expect(page.locator(".segment.patient")).to_contain_text("three weeks")


def _eventually(s3: Any, bucket: str, key: str) -> bytes:
    end = time.monotonic() + 60
    while True:
        try:
            return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError:
            assert time.monotonic() < end
            time.sleep(0.1)


def _result() -> dict[str, Any]:
    said = [("Good morning, Mister Harris. What brings you in today?", 0.8), (BETTER, 6.5)]
    channels = []
    for channel, (text, start) in enumerate(said):
        items = [
            {
                "type": "pronunciation",
                "start_time": f"{start + place * 0.3:.2f}",
                "end_time": f"{start + place * 0.3 + 0.3:.2f}",
                "alternatives": [{"confidence": "0.99", "content": word}],
            }
            for place, word in enumerate(text.split())
        ]
        channels.append({"channel_label": f"ch_{channel}", "items": items})
    labels = {"number_of_channels": 2, "channels": channels}
    return {"results": {"items": [], "channel_labels": labels}}
