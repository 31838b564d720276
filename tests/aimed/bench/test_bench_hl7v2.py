"""`aimed bench hl7v2` on databases of its own, as short as can be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aimed.cli import make_cli


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_short_run(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ["--seconds", "0.2", "--json", str(file)]
    outcome = CliRunner().invoke(make_cli(), ["bench", "hl7v2", *options])
    assert outcome.exit_code == 0, outcome.output
    assert "durable before the ACK" in outcome.output
    figures = json.loads(file.read_text())
    rates = figures["intake"]
    asked = [(1, False), (4, False), (1, True), (4, True)]
    assert [(one["connections"], one["converting"]) for one in rates] == asked
    assert all(one["refused"] == 0 and 0 < one["p50"] <= one["p99"] for one in rates)
    adt, oru = figures["end_to_end"]
    assert (adt["kind"], adt["failed"], oru["kind"], oru["failed"]) == ("ADT", 0, "ORU", 0)
    assert adt["messages"] >= 20
    # 20 OBX, what they are in, and neither AuditEvents nor what others wrote.
    assert 22 <= oru["resources"] <= 30
    assert 10 <= adt["resources"] <= 18
    assert set(figures["converted_per_second"]) == {"ADT", "ORU"}
