"""Which message a change of a resource leads to, and which leads to none."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.hl7v2.outbound.gathering import Gathered
from integrations.hl7v2.outbound.tables import load_tables
from integrations.hl7v2.outbound.triggers import trigger_of
from tests.integrations.hl7v2.outbound.chart import (
    APPOINTMENT,
    ENCOUNTER,
    MERGED,
    NOTE,
    PATIENT,
    POTASSIUM,
    REPORT,
    trigger,
)

Resource = dict[str, Any]


def other(resource: Resource, **changes: Any) -> Resource:
    return {**resource, **changes}


DRAFT = other(NOTE, status="preliminary")
REPLACING = other(
    NOTE, relatesTo=[{"code": "replaces", "targetReference": {"reference": "Composition/c0"}}]
)
APPENDING = other(
    NOTE, relatesTo=[{"code": "appends", "targetReference": {"reference": "Composition/c0"}}]
)
WRONG = "entered-in-error"
CASES: list[tuple[Resource, Resource | None, str | None, str | None]] = [
    (DRAFT, None, None, None),
    (NOTE, DRAFT, None, "MDM^T02"),
    (NOTE, None, None, "MDM^T02"),
    (NOTE, NOTE, None, "MDM^T08"),
    (other(NOTE, status="amended"), NOTE, None, "MDM^T08"),
    (REPLACING, None, None, "MDM^T10"),
    (APPENDING, None, None, "MDM^T06"),
    (other(NOTE, status=WRONG), NOTE, None, "MDM^T11"),
    (other(NOTE, status=WRONG), DRAFT, None, None),
    (NOTE, NOTE, "delete", "MDM^T11"),
    (DRAFT, DRAFT, "delete", None),
    (REPORT, None, None, "ORU^R01"),
    (other(REPORT, status="partial"), None, None, None),
    (other(REPORT, status="corrected"), REPORT, None, "ORU^R01"),
    (other(REPORT, status="cancelled"), REPORT, None, "ORU^R01"),
    (other(REPORT, status="cancelled"), other(REPORT, status="registered"), None, None),
    (POTASSIUM, None, None, "ORU^R01"),
    (other(POTASSIUM, status="preliminary"), None, None, None),
    (other(POTASSIUM, status=WRONG), POTASSIUM, None, "ORU^R01"),
    (ENCOUNTER, None, None, "ADT^A04"),
    (other(ENCOUNTER, **{"class": {"code": "IMP"}}), None, None, "ADT^A01"),
    (other(ENCOUNTER, status="planned"), None, None, None),
    (ENCOUNTER, other(ENCOUNTER, status="planned"), None, "ADT^A04"),
    (ENCOUNTER, ENCOUNTER, None, "ADT^A08"),
    (other(ENCOUNTER, status="finished"), ENCOUNTER, None, "ADT^A03"),
    (other(ENCOUNTER, status="finished"), other(ENCOUNTER, status="finished"), None, "ADT^A08"),
    (other(ENCOUNTER, status="cancelled"), ENCOUNTER, None, "ADT^A11"),
    (other(ENCOUNTER, status="cancelled"), other(ENCOUNTER, status="planned"), None, None),
    (ENCOUNTER, ENCOUNTER, "delete", "ADT^A11"),
    (PATIENT, None, None, "ADT^A28"),
    (PATIENT, PATIENT, None, "ADT^A31"),
    (MERGED, PATIENT, None, "ADT^A40"),
    (MERGED, MERGED, None, None),
    (PATIENT, PATIENT, "delete", None),
    (APPOINTMENT, None, None, "SIU^S12"),
    (APPOINTMENT, other(APPOINTMENT, status="proposed"), None, "SIU^S12"),
    (other(APPOINTMENT, status="proposed"), None, None, None),
    (other(APPOINTMENT, start="2026-03-05T10:00:00Z"), APPOINTMENT, None, "SIU^S13"),
    (other(APPOINTMENT, comment="by phone"), APPOINTMENT, None, "SIU^S14"),
    (other(APPOINTMENT, status="cancelled"), APPOINTMENT, None, "SIU^S15"),
    (other(APPOINTMENT, status="noshow"), APPOINTMENT, None, "SIU^S26"),
    (APPOINTMENT, APPOINTMENT, "delete", "SIU^S17"),
    ({"resourceType": "Condition", "id": "x"}, None, None, None),
]


@pytest.mark.parametrize(("after", "before", "event", "expected"), CASES)
async def test_a_change_and_its_trigger(
    after: Resource, before: Resource | None, event: str | None, expected: str | None
) -> None:
    assert await trigger(after, before, event) == expected


async def test_a_result_that_a_report_names_goes_with_the_report() -> None:
    asked = []

    async def reported(observation: str) -> bool:
        asked.append(observation)
        return True

    gathered = Gathered(POTASSIUM, None, "create")
    assert await trigger_of(gathered, load_tables(), reported) is None
    assert asked == ["Observation/o2"]
