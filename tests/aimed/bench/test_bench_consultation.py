"""`aimed bench consultation` on its own stack, as short as can be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aimed.bench.consultations import LIMITS
from aimed.cli import make_cli


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_short_run(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ["--consultations", "2", "--seconds", "12", "--json", str(file)]
    outcome = CliRunner().invoke(make_cli(), ["bench", "consultation", *options])
    report = json.loads(file.read_text())
    (played,) = report["rounds"]
    assert (played["consultations"], played["failed"]) == (2, 0), outcome.output
    numbers = {name: one["number"] for name, one in played["seconds"].items()}
    assert numbers == {"first partial": 2, "final segment": 4, "alert": 0, "final note": 2}
    assert played["seconds"]["first partial"]["p50"] > report["engines"]["partialSeconds"]
    assert played["seconds"]["final segment"]["p50"] > report["engines"]["finalSeconds"]
    assert played["seconds"]["final note"]["p50"] > report["engines"]["draftLeastSeconds"]
    # Of a machine that does other things too only this much is sure: what is said is what counts.
    kept = all(played["seconds"][name]["kept"] for name in LIMITS)
    assert outcome.exit_code == (0 if kept else 1)
    assert ("NOT KEPT" in outcome.output) is not kept


@pytest.mark.parametrize("numbers", ["", "0", "1,x", "-1"])
def test_numbers_of_consultations(numbers: str) -> None:
    options = ["bench", "consultation", "--consultations", numbers]
    assert CliRunner().invoke(make_cli(), options).exit_code == 2
