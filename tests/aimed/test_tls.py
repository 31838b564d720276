"""TLS with real handshakes: what `aimed serve` speaks, and what goes to Redis and MongoDB."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import trustme
from redis.asyncio import Redis

from aimed.celery_app import make_celery
from aimed.settings import Settings
from aimed.tls import TlsSettings, server_context
from fhir_server.store.connection import connect
from tests.tls import AUTHORITY, SERVER, client, serving, speaks, write_pem


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_pem(tmp_path_factory.mktemp("tls"))


async def test_versions_and_ciphers(files: dict[str, Path]) -> None:
    settings = TlsSettings(certificate=files["certificate"], key=files["key"])
    async with serving(settings) as port:
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_3)) == "TLSv1.3"
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_2)) == "TLSv1.2"
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_1)) is None
        assert await speaks(port, client(ssl.TLSVersion.TLSv1)) is None
        for weak in ("ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256", "AES128-GCM-SHA256"):
            assert await speaks(port, client(ssl.TLSVersion.TLSv1_2, f"{weak}:@SECLEVEL=0")) is None


async def test_the_newest_alone(files: dict[str, Path]) -> None:
    settings = TlsSettings(certificate=files["certificate"], key=files["key"], minimum="1.3")
    async with serving(settings) as port:
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_3)) == "TLSv1.3"
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_2)) is None


async def test_clients_show_a_certificate(files: dict[str, Path]) -> None:
    settings = TlsSettings(
        certificate=files["certificate"], key=files["key"], client_ca=files["ca"]
    )
    known, stranger = client(), client()
    AUTHORITY.issue_cert("client@example.org").configure_cert(known)
    trustme.CA().issue_cert("client@example.org").configure_cert(stranger)
    async with serving(settings) as port:
        assert await speaks(port, client()) is None
        assert await speaks(port, stranger) is None
        assert await speaks(port, known) == "TLSv1.3"


async def test_hsts_over_https_only(files: dict[str, Path]) -> None:
    settings = TlsSettings(certificate=files["certificate"], key=files["key"])
    name = "strict-transport-security"
    async with serving(settings) as port, httpx2.AsyncClient(verify=client()) as http:
        assert (await http.get(f"https://127.0.0.1:{port}/")).headers[name].startswith("max-age=")
    async with serving(TlsSettings()) as port, httpx2.AsyncClient() as http:
        assert name not in (await http.get(f"http://127.0.0.1:{port}/")).headers


def test_a_wrong_key_is_an_error(files: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    AUTHORITY.issue_cert("x").private_key_pem.write_to_path(other)
    with pytest.raises(ssl.SSLError):
        server_context(TlsSettings(certificate=files["certificate"], key=other))


@asynccontextmanager
async def wrapped(uri: str) -> AsyncIterator[int]:
    """A port where what listens at `uri` is reached by TLS alone."""
    place = urlsplit(uri)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SERVER.configure_cert(context)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(pump(reader, outer), pump(inner, writer))

    listening = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


def login(uri: str) -> str:
    return "".join(urlsplit(uri).netloc.rpartition("@")[:2])


async def test_redis_over_tls(redis_uri: str, mongo_uri: str, files: dict[str, Path]) -> None:
    async with wrapped(redis_uri) as port:
        plain = f"rediss://{login(redis_uri)}127.0.0.1:{port}/0"
        uri = f"{plain}?ssl_cert_reqs=required&ssl_ca_certs={files['ca']}"
        async with Redis.from_url(uri) as redis:
            assert await redis.ping()
        celery = make_celery(Settings().at(mongo=mongo_uri, redis=uri))

        def asked() -> bool:
            with celery.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1)
                return bool(connection.connected)

        assert await asyncio.to_thread(asked)
        async with Redis.from_url(plain) as redis:
            with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
                await redis.ping()


async def test_mongodb_over_tls(mongo_uri: str, files: dict[str, Path]) -> None:
    async with wrapped(mongo_uri) as port:
        start = f"mongodb://{login(mongo_uri)}127.0.0.1:{port}/?directConnection=true&tls=true"
        async with connect(f"{start}&tlsCAFile={files['ca']}") as mongo:
            assert (await mongo.admin.command("ping"))["ok"] == 1
        async with connect(start, timeout_ms=5000) as mongo:
            with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
                await mongo.admin.command("ping")
