"""A visit that is longer than the credentials of its container's role."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integrations.aws.account import TURNS, TWO, noise, play, settings, texts, transcriber
from tests.stand_ins.sigv4 import Key
from tests.stand_ins.transcribe import Service, serving

PCM = noise(6.5, 2)


class Container(ThreadingHTTPServer):
    """The credentials endpoint of a container: another key with each question, short-lived."""

    issued = 0
    service: Service | None = None

    def issue(self) -> Key:
        self.issued += 1
        key = Key(f"ASIA{self.issued}", f"secret{self.issued}", f"to/ken+{self.issued}=")
        assert self.service is not None
        self.service.key = key
        return key


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Container)
        key = self.server.issue()
        expires = datetime.now(UTC) + timedelta(seconds=30)
        body = {
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "Token": key.token,
            "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    server = Container(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    url = f"http://127.0.0.1:{server.server_port}/role"
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_each_new_stream_is_signed_by_credentials_of_its_time(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    service = Service(PCM, list(TURNS))
    container.service = service
    limits = {"stream_seconds": 2.2, "stream_end_seconds": 2.3}
    async with serving(service) as url:
        results = await play(transcriber(settings(url, limits=limits)).open(TWO), PCM)
    assert len(service.streams) == 3
    assert container.issued >= 3
    assert " ".join(texts(results)).count("Monday") == 1
    logged = [one for one in caplog.records if not one.name.startswith("websockets.server")]
    text = "\n".join(one.getMessage() for one in logged)
    assert "X-Amz-Signature" not in text
    for number in range(1, container.issued + 1):
        assert f"secret{number}" not in text
        assert f"ken+{number}" not in text
