"""`aimed serve`: the API process."""

from __future__ import annotations

import asyncio
import ssl

import uvicorn

from aimed.cli.options import Host, Port
from aimed.embedded.errors import StackError
from aimed.embedded.ports import require_free
from aimed.encryption import check_encryption
from aimed.logging import configure_logging
from aimed.settings import Settings
from aimed.tls import server_context

_GRACE_SECONDS = 2
"""For requests in flight. Sockets resume elsewhere, and `aimed up` kills after 4 s."""

_LARGEST_MESSAGE = 128 * 1024
"""Of a WebSocket: twice a frame of audio, so that one too large is refused with a reason."""


def serve(port: Port = None, host: Host = None) -> None:
    """Serve FHIR, sign-in, dashboard and sockets on existing databases."""
    from aimed.assembly import create_app

    settings = Settings()
    _ = settings.mongo_uri, settings.redis_uri  # raise MissingSetting before anything starts
    context = _tls(settings)
    configure_logging(settings.log_format)
    asyncio.run(check_encryption(settings))
    address = host or settings.http.host
    number = settings.http.port if port is None else port
    if number:
        require_free(address, number)
    uvicorn.run(
        create_app(settings),
        host=address,
        port=number,
        access_log=False,  # it would write query strings; RequestLog writes routes
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        server_header=False,
        proxy_headers=bool(settings.http.trusted_proxies),
        forwarded_allow_ips=list(settings.http.trusted_proxies),
        ssl_context_factory=None if context is None else lambda config, usual: context,
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    try:
        return server_context(settings.http.tls)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise StackError(
            f"The TLS certificate, key or client authorities cannot be used: {reason}. "
            "See AIMED_HTTP__TLS__CERTIFICATE, __KEY, __KEY_PASSWORD and __CLIENT_CA."
        ) from None
