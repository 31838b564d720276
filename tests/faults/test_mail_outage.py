"""The mail server is down and the worker is killed: the mail comes when both are back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Site, add_account, post
from tests.faults.conftest import Steered
from tests.mail_server import mail_server
from tests.reserved_port import reserved_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where the mail server will be; the stack of the test reads it."""
    with reserved_port() as found:
        monkeypatch.setenv("AIMED_MAIL__HOST", "127.0.0.1")
        monkeypatch.setenv("AIMED_MAIL__PORT", str(found))
        monkeypatch.setenv("AIMED_MAIL__TLS", "none")
        yield found


def test_no_mail_is_lost(port: int, running: tuple[Steered, Site]) -> None:
    stack, site = running
    add_account(site, "dr.patient", email="patient@clinic.example")
    post(site, "/auth/password-reset", {"email": "patient@clinic.example"})
    log = site.data / "log" / "worker.log"
    deadline = time.monotonic() + 120
    while "mail waits" not in log.read_text("utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    stack.kill("worker")
    with mail_server(port=port) as server:
        assert server.arrived.wait(150)
    assert server.mails[0]["To"] == "patient@clinic.example"
    assert "/reset#token=" in server.text(0)
    assert "patient@" not in log.read_text("utf-8")
