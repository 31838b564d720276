"""Where one request ends and the next begins, on a real socket. ASVS 5.0 V4.2; RFC 9112 6.3."""

from __future__ import annotations

import asyncio

import pytest

from tests.smart_app.conftest import Desk

HIDDEN = b"GET /auth/me HTTP/1.1\r\nHost: test\r\n\r\n"


async def exchange(port: int, sent: bytes) -> bytes:
    """All that the server answers until it closes, or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    answered = b""
    try:
        async with asyncio.timeout(20):
            while part := await reader.read(65536):
                answered += part
    except TimeoutError:
        pass
    writer.close()
    await writer.wait_closed()
    return answered


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 60\r\n",
        b"Content-Length: 4, 60\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
async def test_a_message_with_two_lengths_is_refused(desk: Desk, lengths: bytes) -> None:
    start = b"POST /auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
    answered = await exchange(desk.port, start + lengths + b"\r\n0\r\n\r\n" + HIDDEN)
    assert answered.startswith(b"HTTP/1.1 4"), answered
    assert answered.count(b"HTTP/1.1 ") == 1, answered


async def test_what_follows_is_no_second_request(desk: Desk) -> None:
    """A body that looks like a request is a body."""
    start = (
        b"POST /auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\n"
    )
    length = b"Content-Length: %d\r\n\r\n" % len(HIDDEN)
    answered = await exchange(desk.port, start + length + HIDDEN)
    assert answered.startswith(b"HTTP/1.1 400"), answered
    assert answered.count(b"HTTP/1.1 ") == 1, answered


@pytest.mark.parametrize("header", [b"X-A: b\rX-C: d", b"X-A: b\x00c", b"no colon"])
async def test_broken_headers_are_refused(desk: Desk, header: bytes) -> None:
    sent = b"GET /fhir/metadata HTTP/1.1\r\nHost: test\r\n" + header + b"\r\n\r\n"
    answered = await exchange(desk.port, sent)
    assert answered.startswith(b"HTTP/1.1 400"), answered
