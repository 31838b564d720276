"""What is wrong with a message: where, which code, which words.

Source: HL7 v2.8.2 chapter 2, 2.14.5 (ERR), 2A ERL; codes in data/table_0357.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from fhir_server.errors import FhirError

Severity = Literal["E", "W", "I", "F"]
"""Table 0516: error, warning, information, fatal error."""


@dataclass(frozen=True, slots=True)
class Location:
    """ERL: a segment's id, which of its kind it is (from 1), and the field within it; 0 is none."""

    segment: str
    sequence: int = 1
    field: int = 0
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The components of ERL, as many as say something."""
        numbers = (self.field, self.repetition, self.component, self.subcomponent)
        last = max((at for at, one in enumerate(numbers, 1) if one), default=0)
        # Repetition and above are meaningless without the field, which is then written as 1st.
        rest = tuple(str(one or 1) for one in numbers[:last])
        return (self.segment, str(self.sequence), *rest)


@dataclass(frozen=True, slots=True)
class Problem:
    """One ERR segment. `code` is of table 0357; `text` is for people and has no patient data."""

    code: str
    text: str
    location: Location | None = None
    severity: Severity = "E"


@cache
def condition_codes() -> dict[str, str]:
    """Table 0357: code to its name."""
    place = files("integrations.hl7v2.acknowledgement").joinpath("data/table_0357.json")
    codes: dict[str, str] = json.loads(place.read_text("utf-8"))["codes"]
    return codes


def problem_of(error: FhirError, location: Location | None = None) -> tuple[Problem, ...]:
    """An expected failure as ERR segments, one an issue. The error's `ack` is the code of MSA-1."""
    return tuple(
        Problem(error.condition, issue.diagnostics, location, _severity(issue.severity))
        for issue in error.issues
    )


def _severity(severity: str) -> Severity:
    return {"fatal": "F", "warning": "W", "information": "I"}.get(severity, "E")  # type: ignore[return-value]
