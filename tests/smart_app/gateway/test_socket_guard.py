"""Who may open a socket, and how long it outlives its token."""

from __future__ import annotations

import asyncio

import pytest
from starlette.datastructures import Headers
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus

from smart_app.gateway.origins import may_open
from tests.smart_app.conftest import LISTED, Desk, close_code, receive


def opening(origin: str, host: str, scheme: str) -> WebSocket:
    headers = Headers({"host": host, "origin": origin}).raw
    scope = {"type": "websocket", "scheme": scheme, "headers": headers}

    async def nothing(*_: object) -> None:
        raise AssertionError("nothing is sent or received")

    return WebSocket(scope, nothing, nothing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "opens"),
    [
        ("http://aimed.example", "aimed.example", "ws", True),
        ("http://aimed.example:8000", "aimed.example:8000", "ws", True),
        ("http://aimed.example", "aimed.example:80", "ws", True),
        ("http://Aimed.example", "aimed.EXAMPLE", "ws", True),
        ("https://aimed.example", "aimed.example", "wss", True),
        ("https://aimed.example", "aimed.example", "ws", True),
        ("http://[::1]:8000", "[::1]:8000", "ws", True),
        (LISTED[0], "aimed.example", "wss", True),
        ("http://aimed.example", "aimed.example", "wss", False),
        ("http://aimed.example:8001", "aimed.example:8000", "ws", False),
        ("https://aimed.example.evil.example", "aimed.example", "wss", False),
        ("https://evil.example", "aimed.example", "wss", False),
        (LISTED[0] + ":444", "aimed.example", "wss", False),
        (LISTED[0].replace("https", "http"), "aimed.example", "wss", False),
        ("null", "aimed.example", "ws", False),
        ("null", "null", "ws", False),
        ("", "", "ws", False),
        ("file://", "", "ws", False),
        ("http://", "", "ws", False),
        ("http://a:x", "a:x", "ws", False),
        ("chrome-extension://aimed.example", "aimed.example", "ws", False),
    ],
)
def test_origins(origin: str, host: str, scheme: str, opens: bool) -> None:
    assert may_open(opening(origin, host, scheme), LISTED) is opens


@pytest.mark.parametrize("suffix", ["", "/audio"])
async def test_a_foreign_page_gets_no_socket(desk: Desk, suffix: str) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}{suffix}"
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{desk.port + 1}"):
        with pytest.raises(InvalidStatus) as refused:
            async with desk.socket(path, origin=origin):
                pass
        assert refused.value.response.status_code == 403
    for own in (f"http://127.0.0.1:{desk.port}", LISTED[0], None):
        async with desk.socket(path, origin=own):
            pass


async def seconds_without_stalls(seconds: float = 5) -> None:
    """End after so many seconds in which this process ran: the server is in it too."""
    for _ in range(round(seconds * 20)):
        await asyncio.sleep(0.05)


async def test_a_revoked_token_closes_its_sockets_within_five_seconds(desk: Desk) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}"
    async with desk.socket(path) as socket, desk.socket(f"{path}/audio") as audio:
        await receive(socket)
        await desk.http.post("/auth/logout")
        waited = asyncio.create_task(seconds_without_stalls())
        assert await close_code(socket) == 4401
        assert await close_code(audio) == 4401
        assert not waited.done(), "it took five seconds"
        waited.cancel()


async def test_another_scheme_or_place_for_the_token_does_not_count(desk: Desk) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}?access_token={desk.token}&token={desk.token}"
    async with desk.bare(path, additional_headers={"Cookie": f"token={desk.token}"}) as socket:
        assert await close_code(socket) == 4401
