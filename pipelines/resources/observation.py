"""Vital signs that were said. https://hl7.org/fhir/R4/observation-vitalsigns.html"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import (
    AIAST,
    LOINC,
    coding,
    concept,
    reference,
    segments,
    unlabelled,
)
from pipelines.resources.models import build

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


@dataclass(frozen=True)
class Said:
    """Where something was said: the transcript and the segments in it."""

    encounter: str
    patient: dict[str, str]
    transcript: str
    evidence: tuple[str, ...]
    at: datetime

    @property
    def proof(self) -> dict[str, Any]:
        """A Reference to the transcript that names the segments."""
        return {"reference": self.transcript, "extension": segments(self.evidence)}


@dataclass(frozen=True)
class Measured:
    """One number. `part` is `systolic` or `diastolic` in a blood pressure; `unit` is UCUM."""

    part: str
    value: Decimal
    unit: str


def vital_sign(
    id: str, *, code: str | None, text: str, measured: Sequence[Measured], said: Said
) -> Resource:
    """One measurement, unconfirmed. `code` is LOINC, `text` what the sign is called."""
    parts = _table()["components"]
    paired = [one for one in measured if one.part in parts]
    content = _panel(paired) if paired else _single(code, text, measured[0])
    return build(
        "Observation",
        id=id,
        meta={"security": [AIAST]},
        status="preliminary",
        category=[concept(_CATEGORY, "vital-signs", "Vital Signs")],
        subject=said.patient,
        encounter=reference(f"Encounter/{said.encounter}"),
        effectiveDateTime=instant(said.at),
        derivedFrom=[said.proof],
        **content,
    )


def confirmed(resource: Resource) -> Resource:
    """An Observation or MedicationStatement without its AIAST label, since a person signed."""
    status = {"status": "final"} if resource["resourceType"] == "Observation" else {}
    return {**unlabelled(resource), **status}


def _single(code: str | None, text: str, measured: Measured) -> dict[str, Any]:
    named = _code(code, text) if code else {"text": text}
    return {"code": named, "valueQuantity": _quantity(measured)}


def _panel(measured: Sequence[Measured]) -> dict[str, Any]:
    table = _table()
    components = [
        {"code": _code(table["components"][one.part]), "valueQuantity": _quantity(one)}
        for one in measured
    ]
    return {"code": _code(table["panel"]), "component": components}


def _code(code: str, text: str | None = None) -> dict[str, Any]:
    table = _table()
    codes = [code, *table["also"].get(code, [])]
    display = table["displays"].get(code)
    codings = [coding(LOINC, one, table["displays"].get(one)) for one in codes]
    return {"coding": codings, "text": text or display or code}


def _quantity(measured: Measured) -> dict[str, Any]:
    return {
        "value": measured.value,
        "unit": measured.unit,
        "system": "http://unitsofmeasure.org",
        "code": measured.unit,
    }


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    text = files("pipelines.resources").joinpath("vitals.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
