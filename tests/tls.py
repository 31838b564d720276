"""A certificate, a server that has it, and clients of one version of TLS each."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trustme
import uvicorn
from fastapi import FastAPI

from aimed.tls import TlsSettings, server_context
from fhir_server.rest.security_headers import SecurityHeaders

AUTHORITY = trustme.CA()
SERVER = AUTHORITY.issue_cert("127.0.0.1", "localhost")


def write_pem(folder: Path) -> dict[str, Path]:
    """Files with the certificate, its key and the authority."""
    made = {name: folder / f"{name}.pem" for name in ("ca", "certificate", "key")}
    AUTHORITY.cert_pem.write_to_path(made["ca"])
    SERVER.private_key_pem.write_to_path(made["key"])
    for blob in SERVER.cert_chain_pems:
        blob.write_to_path(made["certificate"], append=True)
    return made


@asynccontextmanager
async def serving(settings: TlsSettings) -> AsyncIterator[int]:
    """The headers' middleware on a port, as `aimed serve` has it."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/", lambda: {})
    app.add_middleware(SecurityHeaders)
    context = server_context(settings)
    config = uvicorn.Config(
        app,
        port=0,
        log_level="critical",
        lifespan="off",
        ssl_context_factory=None if context is None else lambda config, usual: context,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


def client(version: ssl.TLSVersion | None = None, ciphers: str = "") -> ssl.SSLContext:
    """A client that speaks one version only, old ones too."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
    return context


async def speaks(port: int, context: ssl.SSLContext) -> str | None:
    """The version agreed on and used, None when the server would not."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        # With TLS 1.3 a client learns only now that its certificate was missing.
        answer = await reader.read()
        version: str = writer.get_extra_info("ssl_object").version()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    except (ssl.SSLError, ConnectionError):
        return None
    return version if answer.startswith(b"HTTP/1.1 200") else None
