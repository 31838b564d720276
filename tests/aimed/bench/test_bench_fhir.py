"""`aimed bench fhir` on its own stack, as short as can be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aimed.bench.bundles import from_folder, made_up, resources_in
from aimed.bench.measuring import percentiles
from aimed.bench.work import SEARCHES
from aimed.cli import make_cli
from fhir_server.validation.validator import validate


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_short_run(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ["--clients", "1,3", "--seconds", "0.3", "--imported", "1", "--json", str(file)]
    outcome = CliRunner().invoke(make_cli(), ["bench", "fhir", *options])
    assert outcome.exit_code == 0, outcome.output
    assert "Import of transaction bundles" in outcome.output
    report = json.loads(file.read_text())
    assert [one["clients"] for one in report["import"]] == [1, 3]
    assert report["import"][1]["resources"] == 3 * 61
    assert [one["name"] for one in report["search"]] == list(SEARCHES) == list(report["plans"])
    lines = [*report["import"], *report["crud"], *report["search"]]
    assert all(one["errors"] == 0 and one["p50"] <= one["p99"] for one in lines)
    assert all(plan for plan in report["plans"].values())
    found = {one["name"]: one["resources"] for one in report["search"]}
    assert {name for name, number in found.items() if number} >= {"token", "reference", "_has"}, (
        found
    )
    assert report["storage"]["sampled"] >= 3 * 61
    assert report["conditions"]["database"]


@pytest.mark.parametrize("clients", ["", "0", "1,x", "-1"])
def test_numbers_of_clients(clients: str) -> None:
    outcome = CliRunner().invoke(make_cli(), ["bench", "fhir", "--clients", clients])
    assert outcome.exit_code == 2


def test_made_up_bundles_are_valid_and_always_the_same() -> None:
    (bundle,) = made_up(1)
    assert bundle == made_up(1)[0]
    resources = resources_in(bundle)
    assert len(resources) == 61
    assert [validate(one) for one in resources] == [()] * 61


def test_a_folder_without_bundles(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="transaction bundles"):
        from_folder(tmp_path)


def test_percentiles() -> None:
    assert percentiles([]) == (0.0, 0.0, 0.0)
    assert percentiles([7.0]) == (7.0, 7.0, 7.0)
    assert percentiles([float(n) for n in range(101)]) == (50.0, 95.0, 99.0)
