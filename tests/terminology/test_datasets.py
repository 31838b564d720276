from __future__ import annotations

from importlib.resources import files

import pytest

from terminology.dataset import dataset
from terminology.red_flags import red_flags
from terminology.vital_signs import vital_sign_rules

NAMES = sorted(
    entry.name.removesuffix(".json")
    for entry in files("terminology").joinpath("data").iterdir()
    if entry.name.endswith(".json")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_names_source_and_licence(name: str) -> None:
    data = dataset(name)
    assert data["source"]
    assert data["licence"]


def test_red_flags_use_known_findings() -> None:
    known = {
        entry["name"]
        for name in ("symptoms", "features", "conditions")
        for entry in dataset(name)["concepts"]
    }
    for rule in red_flags():
        assert {name for group in rule.groups for name in group} <= known, rule.id
        assert rule.citation
    assert len({rule.id for rule in red_flags()}) == len(red_flags())


def test_vital_sign_rules_are_unique_and_cited() -> None:
    ids = [rule["id"] for rule in vital_sign_rules()]
    assert len(set(ids)) == len(ids)
    assert all(rule["citation"] for rule in vital_sign_rules())


def test_interactions_name_known_drugs_or_classes() -> None:
    drugs = dataset("medications")["medications"]
    known = {drug["name"] for drug in drugs} | {c for drug in drugs for c in drug["classes"]}
    data = dataset("interactions")
    assert {each for pair in data["pairs"] for each in (pair["a"], pair["b"])} <= known
    assert set(data["duplicates"]) <= known
