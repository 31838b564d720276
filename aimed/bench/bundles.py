"""The transaction bundles that a benchmark loads: files of one's own, or made-up patients."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_MEASURED = (
    ("8302-2", "Body height", "cm", 150, 200),
    ("29463-7", "Body weight", "kg", 45, 120),
    ("8867-4", "Heart rate", "/min", 50, 110),
    ("2339-0", "Glucose", "mg/dL", 60, 220),
)
_FAMILIES = ("Adams", "Baker", "Clark", "Davis", "Evans", "Flores", "Garcia", "Hughes")
_GIVEN = ("Alex", "Blake", "Casey", "Dana", "Eden", "Finley", "Gray", "Harper")
_ENCOUNTERS = 12


def from_folder(folder: Path) -> list[bytes]:
    """Every `*.json` and `*.json.gz` of a folder, by name. Raises `ValueError` for none."""
    files = sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")])
    if not files:
        raise ValueError(f"{folder} holds no *.json or *.json.gz: it needs transaction bundles.")
    return [
        gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for file in files
    ]


def made_up(number: int, seed: int = 1) -> list[bytes]:
    """Bundles of one invented patient each: 12 visits with four measurements, 61 resources."""
    return [json.dumps(_bundle(random.Random(seed + n))).encode() for n in range(number)]


def resources_in(bundle: bytes) -> list[Json]:
    """The resources of a bundle."""
    return [entry["resource"] for entry in json.loads(bundle)["entry"] if "resource" in entry]


def _bundle(dice: random.Random) -> Json:
    patient = _urn(dice)
    entries = [_entry(patient, _patient(dice))]
    for _ in range(_ENCOUNTERS):
        entries += _visit(dice, patient)
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _patient(dice: random.Random) -> Json:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:aimed:bench", "value": str(dice.randrange(10**9))}],
        "name": [{"family": dice.choice(_FAMILIES), "given": [dice.choice(_GIVEN)]}],
        "gender": dice.choice(("male", "female")),
        "birthDate": _day(dice, 1930, 2010),
    }


def _visit(dice: random.Random, patient: str) -> Iterator[Json]:
    encounter = _urn(dice)
    start = f"{_day(dice, 2010, 2024)}T{dice.randint(8, 17):02}:00:00Z"
    yield _entry(
        encounter,
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "AMB",
            },
            "subject": {"reference": patient},
            "period": {"start": start},
        },
    )
    for code, display, unit, low, high in _MEASURED:
        measured = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": _LOINC, "code": code, "display": display}]},
            "subject": {"reference": patient},
            "encounter": {"reference": encounter},
            "effectiveDateTime": start,
            "valueQuantity": {
                "value": round(dice.uniform(low, high), 1),
                "unit": unit,
                "system": _UCUM,
                "code": unit,
            },
        }
        yield _entry(_urn(dice), measured)


def _day(dice: random.Random, first: int, last: int) -> str:
    return f"{dice.randint(first, last)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"


def _entry(url: str, resource: Json) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": url, "resource": resource, "request": request}


def _urn(dice: random.Random) -> str:
    digits = f"{dice.getrandbits(128):032x}"
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "urn:uuid:" + "-".join(parts)
