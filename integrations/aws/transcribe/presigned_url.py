"""The address of a stream: all parameters in the query, signed by Signature Version 4.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-websocket
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from integrations.aws.transcribe.settings import Kind, TranscribeSettings
from pipelines.ports import SAMPLE_RATE, AudioFormat

EXPIRES = 300
"""Seconds for which an address may be used: the most that the service takes."""

_PATHS: dict[Kind, str] = {
    "general": "/stream-transcription-websocket",
    "medical": "/medical-stream-transcription-websocket",
}
_CHINA = "cn-"


def parameters(settings: TranscribeSettings, audio: AudioFormat, session: str) -> dict[str, str]:
    """The query of a stream, as the API reference names its parameters.

    https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_StartStreamTranscription.html
    and API_streaming_StartMedicalStreamTranscription.html. Redaction is never asked for: a record
    needs what was said.
    """
    query = {
        "language-code": settings.language,
        "media-encoding": "pcm",
        "sample-rate": str(SAMPLE_RATE),
        "session-id": session,
    }
    if settings.vocabulary:
        query["vocabulary-name"] = settings.vocabulary
    if audio.channels > 1:
        query["enable-channel-identification"] = "true"
        query["number-of-channels"] = str(audio.channels)
    elif settings.speaker_labels:
        query["show-speaker-label"] = "true"
    if settings.kind == "medical":
        return query | {"specialty": settings.specialty, "type": "CONVERSATION"}
    if settings.stability:
        query["enable-partial-results-stabilization"] = "true"
        query["partial-results-stability"] = settings.stability
    if settings.vocabulary_filter:
        query["vocabulary-filter-name"] = settings.vocabulary_filter
        query["vocabulary-filter-method"] = settings.vocabulary_filter_method
    return query


def presigned_url(
    kind: Kind,
    query: dict[str, str],
    credentials: ReadOnlyCredentials,
    *,
    region: str,
    endpoint: str | None = None,
) -> str:
    """A wss address that may be opened within `EXPIRES` seconds; ws for an http `endpoint`.

    It lets whoever has it in, so it must not be logged.
    """
    base = endpoint or _by_region(region)
    text = urlencode(query, quote_via=quote)
    request = AWSRequest(method="GET", url=f"{base}{_PATHS[kind]}?{text}")
    SigV4QueryAuth(credentials, "transcribe", region, expires=EXPIRES).add_auth(request)
    return str(request.url).replace("http", "ws", 1)


def _by_region(region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith(_CHINA) else "amazonaws.com"
    return f"https://transcribestreaming.{region}.{suffix}:8443"
