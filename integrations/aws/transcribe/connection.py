"""Opens the WebSocket of a stream, over TLS, with a fresh signature each time."""

from __future__ import annotations

import asyncio
import logging
import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from integrations.aws.credentials import AwsAccess
from integrations.aws.faults import ENGINE
from integrations.aws.settings import AwsSettings
from integrations.aws.transcribe import exceptions
from integrations.aws.transcribe.presigned_url import parameters, presigned_url
from pipelines.engines.errors import EngineRejected, EngineUnavailable
from pipelines.ports import AudioFormat

_LARGEST = 4 * 1024 * 1024
"""Bytes of one message of the service; a result of some minutes has some ten thousand."""

_CLOSING = 2.0


class Connector:
    """Opens streams of one account. Cheap to make; files and roles are read on use."""

    def __init__(self, settings: AwsSettings, access: AwsAccess) -> None:
        self._settings = settings
        self._access = access
        self._trust: ssl.SSLContext | None = None

    async def open(self, audio: AudioFormat, session: str) -> ClientConnection:
        """A stream that awaits audio. Raises `EngineError`."""
        url = await self._url(audio, session)
        secure = await asyncio.to_thread(self._context) if url.startswith("wss:") else None
        limits = self._settings.transcribe.limits
        try:
            return await connect(
                url,
                ssl=secure,
                compression=None,
                open_timeout=limits.open_seconds,
                close_timeout=_CLOSING,
                # Whether the service answers pings is not documented; a write that cannot be
                # made tells of a dead connection too.
                ping_interval=None,
                max_size=_LARGEST,
                logger=_silent(),
            )
        except InvalidStatus as refusal:
            answer = refusal.response
            raise exceptions.of_status(
                answer.status_code, _seconds(answer.headers.get("Retry-After"))
            ) from None
        except ssl.SSLCertVerificationError:
            raise EngineRejected(
                ENGINE,
                "The certificate of Transcribe is not trusted.",
                "See to AIMED_AWS__AUTHORITIES, and to what stands between this server and AWS.",
            ) from None
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as fault:
            raise EngineUnavailable(
                ENGINE,
                f"Transcribe cannot be reached ({type(fault).__name__}).",
                "See to the network, to AIMED_AWS__REGION and AIMED_AWS__STREAMING_ENDPOINT.",
            ) from None

    async def _url(self, audio: AudioFormat, session: str) -> str:
        settings = self._settings
        credentials = await self._access.frozen()
        region = await asyncio.to_thread(lambda: self._access.region)
        return presigned_url(
            settings.transcribe.kind,
            parameters(settings.transcribe, audio, session),
            credentials,
            region=region,
            endpoint=settings.streaming_endpoint,
        )

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            try:
                self._trust = ssl.create_default_context(cafile=self._settings.authorities)
            except OSError:
                raise EngineRejected(
                    ENGINE,
                    "The file of certificate authorities cannot be read.",
                    "See to AIMED_AWS__AUTHORITIES.",
                ) from None
        return self._trust


def _silent() -> logging.Logger:
    """The address of a stream lets in whoever has it: the handshake is not logged at any level."""
    logger = logging.getLogger("aimed.transcribe.wire")
    logger.disabled = True
    return logger


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None
