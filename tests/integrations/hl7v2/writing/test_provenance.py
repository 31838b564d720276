"""The Provenance that is written unchecked is one that a check would pass."""

from __future__ import annotations

import pytest

from fhir_server.validation.validator import validate
from integrations.hl7v2.writing.provenance import provenance_of
from tests.integrations.hl7v2.writing.feed import conversion, source


@pytest.mark.parametrize("event", ["ADT^A01", "ORU^R01", "ACK^", "ZZZ^Z99"])
@pytest.mark.parametrize("control", ["1", ""])
@pytest.mark.parametrize("sender", ["LAB", ""])
@pytest.mark.parametrize("moment", [None, "2026-01-01", "2026-01-01T08:00:00+01:00"])
def test_valid(event: str, control: str, sender: str, moment: str | None) -> None:
    told = conversion(event, sender=sender, control=control)
    made = provenance_of(told, source("x"), ["Patient/p1", "Patient/p1"], moment)

    assert [one for one in validate(made) if one.severity in ("fatal", "error")] == []
    assert made["target"] == [{"reference": "Patient/p1"}]
