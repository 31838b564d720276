"""Which results are critical: by the table, by a site's own, by the laboratory's mark."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.alerts import Severity, laboratory
from terminology.critical_results import critical_results

LL = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
            "code": "LL",
        }
    ]
}


def observation(code: str, value: str, unit: str, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "As sent"},
        "valueQuantity": {"value": Decimal(value), "unit": unit},
        **members,
    }


@pytest.mark.parametrize(
    ("code", "value", "unit", "critical"),
    [
        ("2823-3", "2.9", "mmol/L", True),
        ("2823-3", "3.0", "mmol/L", False),
        ("2823-3", "6.1", "mmol/L", False),
        ("2823-3", "6.2", "mEq/L", True),
        ("2823-3", "6.2", "g/L", False),
        ("2951-2", "119", "mmol/L", True),
        ("2345-7", "39", "mg/dL", True),
        ("2345-7", "39", "mmol/L", True),
        ("2345-7", "5.5", "mmol/L", False),
        ("718-7", "6.9", "g/dL", True),
        ("718-7", "69", "g/L", True),
        ("777-3", "19", "10*3/uL", True),
        ("6301-6", "5.1", "{INR}", True),
        ("2744-1", "7.24", "[pH]", True),
        ("9999-9", "1", "mmol/L", False),
    ],
)
def test_limits(code: str, value: str, unit: str, critical: bool) -> None:
    found = laboratory.evaluate(observation(code, value, unit), critical_results())
    assert (found is not None) == critical
    if found is not None:
        assert found.severity is Severity.HIGH
        assert found.implicated == ("Observation/o1",)
        assert f"{value} {unit}" in found.title


@pytest.mark.parametrize(
    ("comparator", "value", "critical"),
    [("<", "2.5", True), ("<", "3.0", True), ("<", "4", False), (">", "2.5", False),
     (">", "6.1", True), (">=", "6.2", True), ("<", "7", False)],
)  # fmt: skip
def test_comparators(comparator: str, value: str, critical: bool) -> None:
    told = observation("2823-3", value, "mmol/L")
    told["valueQuantity"]["comparator"] = comparator
    assert (laboratory.evaluate(told, critical_results()) is not None) == critical


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "registered"])
def test_what_was_taken_back_is_not_critical(status: str) -> None:
    told = observation("2823-3", "9", "mmol/L", status=status)
    assert laboratory.evaluate(told, critical_results()) is None


def test_the_laboratory_marks_what_the_table_does_not_know() -> None:
    told = observation("9999-9", "1", "U/L", interpretation=[LL])
    found = laboratory.evaluate(told, critical_results())
    assert found is not None
    assert found.title == "Critical result: As sent 1 U/L"
    assert "Marked as critical by the laboratory." in found.detail


def test_a_site_sets_its_own_limits(tmp_path: Path) -> None:
    file = tmp_path / "critical.json"
    own = {"id": "potassium", "limits": [{"units": ["mmol/L"], "below": 2.7}]}
    file.write_text(json.dumps({"tests": [own]}))
    table = critical_results(file)
    assert laboratory.evaluate(observation("2823-3", "2.9", "mmol/L"), table) is None
    assert laboratory.evaluate(observation("2823-3", "2.6", "mmol/L"), table) is not None
    assert laboratory.evaluate(observation("2951-2", "110", "mmol/L"), table) is not None


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "critical.json"
    file.write_text(json.dumps({"tests": [{"id": "new"}]}))
    with pytest.raises(ValueError, match=r"critical\.json is no table"):
        critical_results(file)
