"""The form of a log line as a collector reads it. OWASP ASVS 5.0 V16.2 and V16.4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import structlog

from aimed.logging import configure_logging


@pytest.fixture(autouse=True)
def as_json() -> Iterator[None]:
    configure_logging("json")
    yield
    structlog.reset_defaults()


def test_a_line_is_json_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("aimed.test").info("started", port=8000)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["level"], line["port"]) == ("started", "info", 8000)
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta()


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    forged = 'x\n{"event": "login", "level": "info"}\r\n\x1b[2J\u2028y'
    structlog.get_logger("aimed.test").warning("refused", given=forged)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["given"] == forged
    assert "\x1b" not in line
