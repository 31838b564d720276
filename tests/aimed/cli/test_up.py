"""`aimed up` as a person uses it: from a terminal, with signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.timeout(240)


class Up:
    """A running `aimed up`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.lines: dict[str, str] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aimed", "up", "--port", "0", "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def started(self) -> Up:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            self.lines[name] = value.strip()
            if name == "login":
                return self
        raise AssertionError(self.process.communicate()[1])

    def children(self) -> list[int]:
        found: list[int] = json.loads((self.data / "children.json").read_text())
        return found

    def child(self, command: str) -> int | None:
        """The process id of `aimed COMMAND`, None while it is being restarted."""

        def runs(pid: int) -> bool:
            process = Path(f"/proc/{pid}/cmdline")
            return process.exists() and command.encode() in process.read_bytes().split(b"\0")

        return next((pid for pid in self.children() if runs(pid)), None)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=120)
        return self.process.returncode, said


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    made: list[Up] = []

    def start() -> Up:
        made.append(Up(tmp_path / "var"))
        return made[-1].started()

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(holds: Callable[[], bool], seconds: float = 90) -> None:
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def sign_in(url: str, username: str, password: str) -> int:
    body = {"username": username, "password": password}
    return httpx2.post(f"{url}/auth/login", json=body, timeout=60).status_code


def ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def test_up_serves_restarts_what_is_killed_and_starts_again_on_its_data(
    up: Callable[[], Up],
) -> None:
    first = up()
    assert first.lines["mongo"].startswith("mongodb://127.0.0.1:")
    assert first.lines["redis"].startswith("redis://127.0.0.1:")
    assert first.lines["mllp"].startswith("127.0.0.1:")
    url = first.lines["http"]
    username, password = first.lines["login"].split()
    assert sign_in(url, username, password) == 200
    assert sign_in(url, username, password + "x") == 401
    kept = first.data / "first-login.txt"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert password in kept.read_text()

    api = first.child("serve")
    assert api is not None
    os.kill(api, signal.SIGKILL)
    eventually(lambda: first.child("serve") not in (None, api) and ready(url))
    children = first.children()
    assert len(children) == 6

    code, said = first.stop()
    assert code == 0
    assert said.splitlines() == ["api was ended by SIGKILL: restarting it.", "Stopping."]
    assert not any(alive(pid) for pid in children)

    second = up()
    assert password not in second.lines["login"]
    assert sign_in(second.lines["http"], username, password) == 200
    children = second.children()
    second.process.kill()
    second.process.communicate()
    eventually(lambda: not any(alive(pid) for pid in children))

    third = up()
    assert sign_in(third.lines["http"], username, password) == 200
    refused = aimed("up", "--port", "0", "--data", str(third.data))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"aimed: Another aimed (process {third.process.pid}) is")
    token = aimed("token", "--scope", "system/*.rs", "--data", str(third.data)).stdout.strip()
    found = httpx2.get(
        f"{third.lines['http']}/fhir/Practitioner",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert [entry["resource"]["name"] for entry in found.json()["entry"]] == [
        [{"text": "First clinician"}]
    ]
    assert third.stop(signal.SIGINT)[0] == 0


def test_no_log_holds_the_password(up: Callable[[], Up]) -> None:
    running = up()
    username, password = running.lines["login"].split()
    httpx2.get(f"{running.lines['http']}/fhir/Patient?name=Nightingale", timeout=60)
    sign_in(running.lines["http"], username, password)
    assert running.stop()[0] == 0
    logs = "".join(file.read_text() for file in (running.data / "log").iterdir())
    assert "/auth/login" in logs
    assert password not in logs
    assert "Nightingale" not in logs


def aimed(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aimed", *arguments],
        env={**os.environ, **environment},
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = aimed("up", "--port", port, "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        f"aimed: Port {port} on 127.0.0.1 is in use: stop what uses it, "
        "or choose another with --port.\n"
    )


@pytest.mark.parametrize(
    ("command", "environment", "said"),
    [
        ("serve", {}, "Set AIMED_MONGO__URI, or use `aimed up`"),
        (
            "serve",
            {"AIMED_HTTP__PORT": "door"},
            "AIMED_HTTP__PORT: Input should be a valid integer",
        ),
        ("serve", {"AIMED_ENVIRONMENT": "production"}, "production needs AIMED_MONGO__URI"),
        ("up", {"AIMED_DATA": "/proc/nowhere"}, "The data folder /proc/nowhere cannot be written"),
        ("migrate", {"AIMED_MONGO__URI": "mongodb://127.0.0.1:1"}, "MongoDB does not answer"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    command: str, environment: dict[str, str], said: str
) -> None:
    done = aimed(command, **environment)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("aimed: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
