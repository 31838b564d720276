"""The `RecordingTranscriber` port on transcription jobs, general and Medical.

https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html and
https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartMedicalTranscriptionJob.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from integrations.aws.batch import results
from integrations.aws.credentials import AwsAccess
from integrations.aws.faults import ENGINE, engine_error
from integrations.aws.settings import AwsSettings
from integrations.aws.storage.objects import Objects
from pipelines.engines.errors import EngineRejected
from pipelines.ports import SAMPLE_RATE, AudioFormat, TranscriptFinal

_RUNNING = {"QUEUED", "IN_PROGRESS"}
_CHECK = "aimed-check"
_ABSENT = {"BadRequestException", "NotFoundException"}


class TranscriptionJobs:
    """Jobs of one account. The job's name is that of its audio and result in the bucket too."""

    def __init__(self, settings: AwsSettings, access: AwsAccess) -> None:
        batch = settings.batch
        if batch.bucket is None:
            raise EngineRejected(ENGINE, "Jobs need a bucket.", "Set AIMED_AWS__BATCH__BUCKET.")
        self._settings = settings
        self._access = access
        self._bucket = batch.bucket
        self._objects = Objects(access, batch.bucket, prefix=batch.prefix, kms_key=batch.kms_key)
        self._medical = settings.transcribe.kind == "medical"
        self._client: Any = None
        self.name = f"amazon-transcribe{'-medical' if self._medical else ''}-batch 2017-10-26"

    async def transcribe(
        self, job: str, audio: AudioFormat, flac: Callable[[], AsyncIterator[bytes]]
    ) -> list[TranscriptFinal] | None:
        """Begin the job, or look how far it is; None until it is done. Raises `EngineError`."""
        status = await self._call(lambda client: self._status(client, job))
        if status is None:
            await self._objects.put(f"{job}.flac", flac(), "audio/flac")
            await self._call(lambda client: self._start(client, job, audio))
            return None
        if status in _RUNNING:
            return None
        if status != "COMPLETED":
            await self.forget(job)
            raise EngineRejected(
                ENGINE,
                "The transcription job failed.",
                "See to the permission of the role on bucket and key, and order it again.",
            )
        content = await self._objects.whole(f"{job}.json")
        return results.read(content, audio.channels, job)

    async def forget(self, job: str) -> None:
        """Remove the job, its audio and its result. Raises `EngineError`."""
        for name in (f"{job}.flac", f"{job}.json"):
            await self._objects.delete(name)
        await self._call(lambda client: self._delete(client, job))

    async def check(self) -> None:
        """Try the bucket, and the permission to look for jobs. Raises `EngineError`."""
        await self._objects.check(f"{_CHECK}.flac")
        await self._call(lambda client: self._status(client, _CHECK))

    def _status(self, client: Any, job: str) -> str | None:
        """The job's status, None when there is no such job."""
        try:
            if self._medical:
                answer = client.get_medical_transcription_job(MedicalTranscriptionJobName=job)
                return str(answer["MedicalTranscriptionJob"]["TranscriptionJobStatus"])
            answer = client.get_transcription_job(TranscriptionJobName=job)
            return str(answer["TranscriptionJob"]["TranscriptionJobStatus"])
        except ClientError as fault:
            # The service says a job that is not there is a bad request.
            if fault.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def _start(self, client: Any, job: str, audio: AudioFormat) -> None:
        transcribe, batch = self._settings.transcribe, self._settings.batch
        request: dict[str, Any] = {
            "LanguageCode": transcribe.language,
            "MediaFormat": "flac",
            "MediaSampleRateHertz": SAMPLE_RATE,
            "Media": {"MediaFileUri": self._objects.uri(f"{job}.flac")},
            "OutputBucketName": self._bucket,
            "OutputKey": self._objects.key(f"{job}.json"),
            "Settings": self._details(audio),
        }
        if batch.kms_key:
            request["OutputEncryptionKMSKeyId"] = batch.kms_key
        if self._medical:
            # Jobs know no other specialty.
            client.start_medical_transcription_job(
                MedicalTranscriptionJobName=job,
                Specialty="PRIMARYCARE",
                Type="CONVERSATION",
                **request,
            )
        else:
            client.start_transcription_job(TranscriptionJobName=job, **request)

    def _details(self, audio: AudioFormat) -> dict[str, Any]:
        transcribe = self._settings.transcribe
        details: dict[str, Any] = {}
        if audio.channels > 1:
            details["ChannelIdentification"] = True
        elif transcribe.speaker_labels:
            details["ShowSpeakerLabels"] = True
            details["MaxSpeakerLabels"] = self._settings.batch.max_speakers
        if transcribe.vocabulary:
            details["VocabularyName"] = transcribe.vocabulary
        if transcribe.vocabulary_filter and not self._medical:
            details["VocabularyFilterName"] = transcribe.vocabulary_filter
            details["VocabularyFilterMethod"] = transcribe.vocabulary_filter_method
        return details

    def _delete(self, client: Any, job: str) -> None:
        try:
            if self._medical:
                client.delete_medical_transcription_job(MedicalTranscriptionJobName=job)
            else:
                client.delete_transcription_job(TranscriptionJobName=job)
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in _ABSENT:
                raise

    async def _call(self, work: Callable[[Any], Any]) -> Any:
        def run() -> Any:
            if self._client is None:
                self._client = self._access.client("transcribe")
            try:
                return work(self._client)
            except (BotoCoreError, ClientError) as fault:
                raise engine_error(fault) from None

        return await asyncio.to_thread(run)
