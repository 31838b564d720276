"""What there is to say about one access."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """What happened.

    `interaction` names a row of data/patterns.json; `outcome` is an HTTP status; `entities` are
    literal references; `patients` are those whose data it was; `query` is the search or operation
    without its server part. `subtype` is a more precise (system, code) than the pattern's;
    `reason` is why somebody says to need it.
    """

    interaction: str
    outcome: int = 200
    entities: tuple[str, ...] = ()
    patient: str | None = None
    query: str | None = None
    request_id: str | None = None
    address: str | None = None
    subtype: tuple[str, str] | None = None
    patients: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def charts(self) -> tuple[str, ...]:
        """Every patient it concerns, once each."""
        own = (self.patient,) if self.patient else ()
        named = tuple(one for one in self.entities if _is_patient(one))
        return tuple(dict.fromkeys((*own, *self.patients, *named)))


def _is_patient(reference: str) -> bool:
    return reference.startswith("Patient/") and reference.count("/") == 1
