"""Transcription jobs and S3 through boto3, against moto on a real socket."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import boto3
import pytest
from blockbuster import BlockBuster
from botocore.exceptions import ClientError

from fhir_server.errors import Unavailable
from integrations.aws.batch.results import read
from integrations.aws.batch.transcription import TranscriptionJobs
from integrations.aws.credentials import AwsAccess
from integrations.aws.settings import AwsSettings
from integrations.aws.storage.objects import Objects
from integrations.aws.storage.recordings import S3Recordings
from pipelines.engines.errors import EngineRejected, EngineUnavailable
from tests.integrations.aws.account import ONE, TWO, credentials
from tests.stand_ins.transcribe import REGION

FLAC = b"fLaC" + bytes(range(256)) * 9000


def item(text: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "pronunciation",
        "start_time": str(start),
        "end_time": str(end),
        "alternatives": [{"confidence": "0.9", "content": text}],
        **more,
    }


STOP = {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]}
TWO_CHANNELS = {
    "results": {
        "items": [],
        "channel_labels": {
            "number_of_channels": 2,
            "channels": [
                {
                    "channel_label": "ch_0",
                    "items": [item("Good", 0.5, 0.8), item("morning", 0.8, 1.2), STOP],
                },
                {
                    "channel_label": "ch_1",
                    "items": [item("Hello", 1.4, 1.8), STOP, item("Pain", 4.0, 4.5), STOP],
                },
            ],
        },
    }
}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch)


@pytest.fixture
def bucket(aws_url: str) -> str:
    name = f"b{uuid.uuid4().hex}"
    where = {"LocationConstraint": REGION}
    client("s3", aws_url).create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


@pytest.fixture
def kms_key(aws_url: str) -> str:
    return str(client("kms", aws_url).create_key()["KeyMetadata"]["Arn"])


def client(service: str, url: str) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=url)


def account(url: str, bucket: str, kms_key: str, **more: Any) -> AwsSettings:
    return AwsSettings.model_validate(
        {
            "region": REGION,
            "endpoint": url,
            "max_attempts": 1,
            "batch": {"bucket": bucket, "kms_key": kms_key},
            "recordings": {"bucket": bucket, "kms_key": kms_key},
            **more,
        }
    )


async def pieces(content: bytes = FLAC) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 100_000):
        yield content[at : at + 100_000]


@pytest.mark.parametrize("kind", ["general", "medical"])
async def test_a_job_from_upload_to_clean_up(
    kind: str, aws_url: str, bucket: str, kms_key: str, no_blocking: BlockBuster
) -> None:
    settings = account(aws_url, bucket, kms_key, transcribe={"kind": kind})
    jobs = TranscriptionJobs(settings, AwsAccess(settings))
    s3, name = client("s3", aws_url), f"job-{uuid.uuid4()}"
    assert await jobs.transcribe(name, TWO, pieces) is None
    head = s3.head_object(Bucket=bucket, Key=f"aimed/jobs/{name}.flac")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == kms_key
    body = s3.get_object(Bucket=bucket, Key=f"aimed/jobs/{name}.flac")["Body"].read()
    assert body == FLAC
    s3.put_object(
        Bucket=bucket, Key=f"aimed/jobs/{name}.json", Body=json.dumps(TWO_CHANNELS).encode()
    )
    transcribe = client("transcribe", aws_url)
    for asked in range(6):
        found = await TranscriptionJobs(settings, AwsAccess(settings)).transcribe(name, TWO, pieces)
        if found is not None:
            break
        assert asked < 5
    assert found is not None
    assert [(one.channel, one.text, one.start) for one in found] == [
        (0, "Good morning.", 0.5),
        (1, "Hello.", 1.4),
        (1, "Pain.", 4.0),
    ]
    if kind == "medical":
        job = transcribe.get_medical_transcription_job(MedicalTranscriptionJobName=name)
        assert job["MedicalTranscriptionJob"]["Settings"]["ChannelIdentification"] is True
    await jobs.forget(name)
    await jobs.forget(name)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert await jobs.transcribe(name, ONE, pieces) is None


async def test_a_bucket_that_is_not_there(aws_url: str, kms_key: str) -> None:
    settings = account(aws_url, "nowhere-at-all", kms_key)
    jobs = TranscriptionJobs(settings, AwsAccess(settings))
    with pytest.raises(EngineRejected, match="bucket"):
        await jobs.transcribe("j", ONE, pieces)


async def test_a_region_that_cannot_be_reached(kms_key: str) -> None:
    settings = account("http://127.0.0.1:9", "b", kms_key)
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        await TranscriptionJobs(settings, AwsAccess(settings)).transcribe("j", ONE, pieces)


def test_speakers_of_one_channel_in_items_or_beside_them() -> None:
    words = [item("Yes", 0.0, 0.4), item("No", 0.5, 0.9)]
    named = [
        {**words[0], "speaker_label": "spk_0"},
        {**words[1], "speaker_label": "spk_1"},
    ]
    beside = {
        "segments": [
            {"items": [{"start_time": "0.0", "speaker_label": "spk_0"}]},
            {"items": [{"start_time": "0.5", "speaker_label": "spk_1"}]},
        ]
    }
    for results in ({"items": named}, {"items": words, "speaker_labels": beside}):
        found = read(json.dumps({"results": results}).encode(), 1, "j")
        assert [(one.text, one.speaker) for one in found] == [
            ("Yes", "j:spk_0"),
            ("No", "j:spk_1"),
        ]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"results": {"items": [{}]}}', b"\xff"])
def test_what_is_no_result(content: bytes) -> None:
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        read(content, 1, "j")


async def test_a_role_is_assumed(
    aws_url: str, bucket: str, kms_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:iam::123456789012:role/aimed"
    settings = account(aws_url, bucket, kms_key, role={"arn": arn, "external_id": "clinic-7"})
    frozen = await AwsAccess(settings).frozen()
    assert frozen.access_key.startswith("ASIA")
    assert frozen.token


async def test_a_profile_of_the_config_files(
    aws_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "config"
    file.write_text(
        "[profile clinic]\naws_access_key_id=A\naws_secret_access_key=B\nregion=eu-north-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    access = AwsAccess(AwsSettings(profile="clinic"))
    assert (await access.frozen()).access_key == "A"
    assert access.region == "eu-north-1"
    with pytest.raises(EngineRejected, match="no such profile"):
        await AwsAccess(AwsSettings(profile="other", region=REGION)).frozen()


async def test_recordings_in_s3(
    aws_url: str, bucket: str, kms_key: str, no_blocking: BlockBuster
) -> None:
    settings = account(aws_url, bucket, kms_key)
    home = S3Recordings(settings, AwsAccess(settings))
    id = hashlib.sha256(FLAC).hexdigest()
    await home.keep(id, len(FLAC), pieces())
    await home.keep(id, len(FLAC), pieces(b"not read again"))
    part = b"".join([piece async for piece in home.read(id, 1000, 1_500_000)])
    assert part == FLAC[1000:1_500_000]
    await home.remove(id)
    await home.remove(id)
    with pytest.raises(Unavailable):
        _ = [piece async for piece in home.read(id, 0, 10)]
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(Unavailable, match="did not arrive"):
        await home.keep(other, len(FLAC), pieces())


async def test_without_a_key_of_its_own_the_buckets_default_encrypts(
    aws_url: str, bucket: str, kms_key: str
) -> None:
    s3 = client("s3", aws_url)
    default = {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": kms_key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    settings = account(aws_url, bucket, kms_key)
    await Objects(AwsAccess(settings), bucket, prefix="p/", kms_key=None).put(
        "a", pieces(b"a"), "audio/flac"
    )
    stored = s3.head_object(Bucket=bucket, Key="p/a")
    assert stored["ServerSideEncryption"] == "aws:kms:dsse"


async def test_a_role_that_must_not_list_the_bucket(
    aws_url: str, bucket: str, kms_key: str
) -> None:
    settings = account(aws_url, bucket, kms_key)
    home = S3Recordings(settings, _ForbiddenToList(settings))
    id = hashlib.sha256(FLAC).hexdigest()
    await home.keep(id, len(FLAC), pieces())
    await home.keep(id, len(FLAC), pieces(b"not read again"))
    assert b"".join([piece async for piece in home.read(id, 0, len(FLAC))]) == FLAC


class _ForbiddenToList(AwsAccess):
    """S3 hides from who must not list a bucket whether an object is there: 403 and not 404."""

    def client(self, service: str) -> Any:
        made = super().client(service)
        look = made.head_object

        def head_object(**asked: Any) -> Any:
            try:
                return look(**asked)
            except ClientError as fault:
                forbidden: Any = {"Error": {"Code": "403", "Message": "Forbidden"}}
                raise ClientError(forbidden, fault.operation_name) from None

        made.head_object = head_object
        return made


async def test_objects_say_where_they_are(aws_url: str, bucket: str, kms_key: str) -> None:
    settings = account(aws_url, bucket, kms_key)
    objects = Objects(AwsAccess(settings), bucket, prefix="p/", kms_key=kms_key)
    assert objects.uri("a") == f"s3://{bucket}/p/a"
    assert await objects.size("a") is None
