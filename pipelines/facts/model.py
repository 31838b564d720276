"""What a fact is: one clinical statement, whom it is about and which segments prove it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipelines.ports import Role


class FactKind(StrEnum):
    """What kind of thing a fact states."""

    SYMPTOM = "symptom"
    FEATURE = "feature"
    """A quality that gives a symptom its weight: sudden onset, radiation, on exertion."""
    MEDICATION = "medication"
    ALLERGY = "allergy"
    VITAL = "vital"
    CONDITION = "condition"


class Experiencer(StrEnum):
    """Whose body the fact is about."""

    PATIENT = "patient"
    FAMILY = "family"


class MedicationStatus(StrEnum):
    """What is being done with a medication."""

    TAKING = "taking"
    PRESCRIBED = "prescribed"
    STOPPED = "stopped"
    REFUSED = "refused"
    MENTIONED = "mentioned"


@dataclass(frozen=True)
class Quantity:
    """A number with its UCUM unit; `name` tells the parts of a blood pressure apart."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Fact:
    """One statement. `evidence` names every segment it rests on, `segment_id` the last of them.

    A fact answered with a bare yes or no rests on the question and on the answer.
    """

    kind: FactKind
    name: str
    text: str
    segment_id: str
    role: Role
    evidence: tuple[str, ...]
    negated: bool = False
    experiencer: Experiencer = Experiencer.PATIENT
    hypothetical: bool = False
    past: bool = False
    """A symptom of long ago, told as history."""
    status: MedicationStatus | None = None
    values: tuple[Quantity, ...] = ()
    duration: str | None = None
    detail: str | None = None
    """A dose and frequency, an allergic reaction, or the relative concerned, as heard."""
    heard_as: str | None = None
    """The words the recogniser wrote when the name is a phonetic match, else None."""
    system: str | None = None
    code: str | None = None

    @property
    def asserted(self) -> bool:
        """Whether this is said to be so, now, of the patient."""
        return (
            not (self.negated or self.hypothetical or self.past)
            and self.experiencer is Experiencer.PATIENT
        )
