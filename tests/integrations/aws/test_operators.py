"""What operators are told: by a second of silence, the policy, and refused settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fhir_server.clock import random_id
from integrations.aws.credentials import AwsAccess
from integrations.aws.permissions.iam_policy import iam_policy
from integrations.aws.settings import AwsSettings
from integrations.aws.transcribe.transcriber import TranscribeTranscriber
from pipelines.engines.errors import EngineRejected
from pipelines.engines.probe import hears
from tests.integrations.aws.account import credentials, noise, settings
from tests.stand_ins.transcribe import Fault, Service, serving


async def ask(made: AwsSettings) -> None:
    await hears("aws", TranscribeTranscriber(made, AwsAccess(made), ids=random_id), 60)


async def test_the_probe_of_a_service_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch)
    service = Service(noise(1, 1), [])
    async with serving(service) as url:
        await ask(settings(url))
    assert len(service.streams[0].audio) == 32_000


@pytest.mark.parametrize(
    ("kind", "words"), [("refuse 403", "policy"), ("BadRequestException", "language")]
)
async def test_the_probe_of_one_that_does_not(
    kind: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials(monkeypatch)
    async with serving(Service(noise(1, 1), [], faults=[Fault(1, kind)])) as url:
        with pytest.raises(EngineRejected, match=words):
            await ask(settings(url))


async def test_the_probe_without_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(EngineRejected, match=r"No region is known\. Set AIMED_AWS__REGION\."):
        await ask(AwsSettings())


def test_the_policy_has_what_is_used_and_no_more() -> None:
    live = iam_policy(AwsSettings())
    assert [one["Action"] for one in live["Statement"]] == [
        ["transcribe:StartMedicalStreamTranscriptionWebSocket"]
    ]
    key = "arn:aws:kms:eu-west-2:1:key/k"
    more = AwsSettings.model_validate(
        {
            "region": "us-gov-west-1",
            "transcribe": {"kind": "general", "language": "en-GB"},
            "batch": {"bucket": "jobs"},
            "recordings": {"bucket": "sounds", "kms_key": key},
        }
    )
    made = iam_policy(more, streaming=False)["Statement"]
    assert [one["Sid"] for one in made] == [
        "AiMedJobs",
        "AiMedJobFiles",
        "AiMedRecordings",
        "AiMedRecordingsKey",
    ]
    assert made[1]["Resource"] == "arn:aws-us-gov:s3:::jobs/aimed/jobs/*"
    assert made[3]["Resource"] == key
    assert "{" not in "".join(str(one["Resource"]) for one in made)


@pytest.mark.parametrize("url", ["http://transcribe.example", "ftp://127.0.0.1", "nonsense"])
def test_endpoints_are_spoken_to_over_tls(url: str) -> None:
    with pytest.raises(ValidationError):
        AwsSettings(streaming_endpoint=url)


def test_medical_is_american() -> None:
    with pytest.raises(ValidationError, match="en-US only"):
        AwsSettings.model_validate({"transcribe": {"kind": "medical", "language": "en-GB"}})
