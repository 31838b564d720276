"""Answers that a hostile server gives, over real sockets and TLS."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fhir_server.errors import NotPermitted, TooLarge, Unavailable
from integrations.outbound import GuardedClient, open_guarded_client
from integrations.outbound.settings import OutboundSettings

Say = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


async def resolve(host: str) -> Sequence[str]:
    return {"metadata.example": ["169.254.169.254"]}.get(host, ["127.0.0.1"])


@asynccontextmanager
async def serving(say: Say, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    answering: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await say(await reader.readuntil(b"\r\n\r\n"), writer)
                await writer.drain()
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.create_task(answer(reader, writer)))

    listening = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)


@asynccontextmanager
async def client(port: int, **settings: object) -> AsyncIterator[GuardedClient]:
    usual = {"internal_hosts": ["127.0.0.0/8"], "ports": [port], "plain_http": True, "seconds": 60}
    chosen = OutboundSettings.model_validate(usual | settings)
    async with open_guarded_client(chosen, resolve) as opened:
        yield opened


def whole(body: bytes, *fields: str, status: str = "200 OK") -> Say:
    head = "".join(f"{one}\r\n" for one in (*fields, f"Content-Length: {len(body)}"))

    async def say(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)

    return say


async def test_a_redirect_to_the_metadata_address_is_an_answer_like_any() -> None:
    there = "http://169.254.169.254/latest/meta-data/"
    moved = whole(b"", f"Location: {there}", status="302 Found")
    async with serving(moved) as port, client(port) as outbound:
        answer = await outbound.send("GET", f"http://a.example:{port}/", headers={})
        assert (answer.status, answer.headers["location"]) == (302, there)
        with pytest.raises(NotPermitted):
            await outbound.send("GET", f"http://metadata.example:{port}/", headers={})


async def test_a_body_that_drips_ends_with_the_time_limit() -> None:
    async def drip(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    began = time.monotonic()
    async with serving(drip) as port, client(port, seconds=0.3) as outbound:
        with pytest.raises(Unavailable):
            await outbound.send("GET", f"http://a.example:{port}/", headers={})
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("wait", ["head", "connection"])
async def test_silence_ends_with_the_time_limit(wait: str) -> None:
    async def silent(request: bytes, writer: asyncio.StreamWriter) -> None:
        if wait == "head":
            writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            await writer.drain()
        await asyncio.sleep(1)

    async with serving(silent) as port, client(port, seconds=0.2) as outbound:
        with pytest.raises(Unavailable):
            await outbound.send("GET", f"http://a.example:{port}/", headers={})


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
async def test_gzip_is_read_and_a_bomb_stopped_at_the_limit(coding: str) -> None:
    field = f"Content-Encoding: {coding}"
    async with serving(whole(gzip.compress(b"{}"), field)) as port, client(port) as outbound:
        answer = await outbound.send("GET", f"http://a.example:{port}/", headers={})
        assert answer.body == b"{}"
    bomb = whole(gzip.compress(bytes(64 * 1024 * 1024)), field)  # 64 kB
    async with serving(bomb) as port, client(port) as outbound:
        with pytest.raises(TooLarge):
            await outbound.send("GET", f"http://a.example:{port}/", headers={})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "Content-Encoding: br"),
        (b"{}", "Content-Encoding: gzip, gzip"),
        (b"{}", "Content-Encoding: gzip"),
        (gzip.compress(b"{}" * 999, mtime=0)[:-9], "Content-Encoding: gzip"),
        (b"{}", "X: " + "a" * 200_000),
    ],
)
async def test_odd_answers_are_an_outage(body: bytes, field: str) -> None:
    async with serving(whole(body, field)) as port, client(port) as outbound:
        with pytest.raises(Unavailable):
            await outbound.send("GET", f"http://a.example:{port}/", headers={})


async def test_the_limit_holds_without_a_length() -> None:
    async def endless(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(64):
            writer.write(bytes(64 * 1024))
            await writer.drain()

    async with serving(endless) as port, client(port) as outbound:
        with pytest.raises(TooLarge):
            await outbound.send("GET", f"http://a.example:{port}/", headers={})


async def test_no_cookie_comes_back_and_a_body_is_sent() -> None:
    heard: list[bytes] = []

    async def bake(request: bytes, writer: asyncio.StreamWriter) -> None:
        heard.append(request)
        await whole(b"", "Set-Cookie: a=b; Path=/")(request, writer)

    async with serving(bake) as port, client(port) as outbound:
        for _ in range(2):
            url = f"http://a.example:{port}/hook"
            await outbound.send("POST", url, headers={"X-Token": "t"}, content=b"{}")
    for request in heard:
        assert b"cookie" not in request.lower()
        assert f"host: a.example:{port}\r\n".encode() in request.lower()
        assert b"content-length: 2\r\n" in request.lower()


def certificate(name: str, folder: Path) -> Path:
    """A key and a self-signed certificate of `name` in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_tls_is_for_the_name_though_the_call_goes_to_an_address(tmp_path: Path) -> None:
    pem = certificate("ehr.example", tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    names: list[str] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    async with serving(whole(b"{}"), tls) as port:
        async with client(port, authorities=pem, plain_http=False) as outbound:
            answer = await outbound.send("GET", f"https://ehr.example:{port}/", headers={})
            assert answer.body == b"{}"
            for other in ("other.example", "127.0.0.1"):
                with pytest.raises(Unavailable):
                    await outbound.send("GET", f"https://{other}:{port}/", headers={})
        assert names == ["ehr.example", "other.example", None]
        async with client(port) as outbound:  # which does not trust that authority
            with pytest.raises(Unavailable):
                await outbound.send("GET", f"https://ehr.example:{port}/", headers={})
