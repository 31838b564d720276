"""Resources that messages are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from integrations.hl7v2.outbound.composing import Composed, compose
from integrations.hl7v2.outbound.gathering import Gathered
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.outbound.tables import Tables, load_tables
from integrations.hl7v2.outbound.triggers import trigger_of

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {
            "system": "urn:oid:1.2.3.4",
            "value": "12&3",
            "type": {"coding": [{"code": "MR"}]},
        }
    ],
    "name": [{"use": "official", "family": "O'Brien|Grün", "given": ["Ann", "Lee"]}],
    "birthDate": "1980-01",
    "gender": "female",
    "address": [{"use": "home", "line": ["1 High St"], "city": "York", "postalCode": "YO1"}],
    "telecom": [{"system": "phone", "use": "home", "value": "+44 1904 1"}],
}
SURVIVOR = {**PATIENT, "id": "p2", "identifier": [{"system": "urn:oid:1.2.3.4", "value": "99"}]}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "d1",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
    "name": [{"family": "Adams", "given": ["Eve"]}],
}
ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "in-progress",
    "class": {"code": "AMB"},
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2026-03-04T05:00:00.123Z"},
    "participant": [
        {
            "type": [{"coding": [{"code": "PPRF"}]}],
            "individual": {"reference": "Practitioner/d1", "display": "Dr Adams"},
        }
    ],
    "reasonCode": [{"text": "Chest pain"}],
}
NOTE: dict[str, Any] = {
    "resourceType": "Composition",
    "id": "c1",
    "status": "final",
    "type": {"coding": [{"system": LOINC, "code": "11488-4", "display": "Consult note"}]},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "date": "2026-03-04T06:06:00+01:00",
    "author": [{"display": "AI Med"}, {"reference": "Practitioner/d1", "display": "Dr Adams"}],
    "attester": [
        {
            "mode": "legal",
            "time": "2026-03-04T05:06:00Z",
            "party": {"reference": "Practitioner/d1", "display": "Dr Adams"},
        }
    ],
    "title": "Consultation note",
    "section": [
        {
            "title": "Subjective",
            "code": {"coding": [{"system": LOINC, "code": "61150-9", "display": "Subjective"}]},
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Pain &amp; sweat</p>'
                "<p>“Tight” | since noon</p></div>",
            },
        }
    ],
}
PRESSURE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "85354-9"}], "text": "Blood pressure"},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-03-04",
    "component": [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg", "code": "mm[Hg]", "system": UCUM},
        }
        for code, value in (("8480-6", 182), ("8462-4", 112))
    ],
}
POTASSIUM: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o2",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "2823-3", "display": "Potassium"}]},
    "subject": {"reference": "Patient/p1"},
    "valueQuantity": {"value": 3, "comparator": "<", "unit": "mmol/L"},
    "interpretation": [{"coding": [{"code": "LL"}]}],
    "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5}}],
    "note": [{"text": "called\nat noon"}],
}
REPORT: dict[str, Any] = {
    "resourceType": "DiagnosticReport",
    "id": "r1",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "51990-0"}], "text": "Metabolic panel"},
    "subject": {"reference": "Patient/p1"},
    "issued": "2026-03-04T05:06:07Z",
    "result": [{"reference": "Observation/o1"}, {"reference": "Observation/o2"}],
    "conclusion": "Low potassium",
}
APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "start": "2026-03-05T09:00:00Z",
    "end": "2026-03-05T09:30:00Z",
    "minutesDuration": 30,
    "serviceType": [{"text": "Review"}],
    "participant": [
        {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
        {"actor": {"reference": "Practitioner/d1"}, "status": "accepted"},
    ],
}
OTHERS = {
    f"{one['resourceType']}/{one['id']}": one
    for one in (PATIENT, SURVIVOR, DOCTOR, ENCOUNTER, PRESSURE, POTASSIUM)
}
MERGED = {**PATIENT, "link": [{"type": "replaced-by", "other": {"reference": "Patient/p2"}}]}


def destination(**changes: Any) -> DestinationSettings:
    given = {"name": "lab", "host": "127.0.0.1", "port": 1, "receiving_application": "LAB"}
    return DestinationSettings.model_validate({**given, **changes})


async def not_reported(observation: str) -> bool:
    return False


async def trigger(
    resource: dict[str, Any],
    before: dict[str, Any] | None = None,
    event: str | None = None,
    tables: Tables | None = None,
) -> str | None:
    kind = event or ("update" if before else "create")
    return await trigger_of(Gathered(resource, before, kind), tables or load_tables(), not_reported)


def composed(
    resource: dict[str, Any],
    trigger: str,
    settings: DestinationSettings | None = None,
    tables: Tables | None = None,
) -> Composed:
    gathered = Gathered(resource, None, "update", OTHERS)
    return compose(
        settings or destination(),
        tables or load_tables(),
        gathered,
        trigger=trigger,
        event="row1",
        at=AT,
    )
