"""What there is to say about one access."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhir_server.labels import Label


@dataclass(frozen=True)
class Access:
    """What happened.

    `interaction` names a row of data/patterns.json; `outcome` is an HTTP status; `entities` are
    literal references; `patients` are those whose data it was; `query` is the search or operation
    without its server part. `subtype` is a more precise (system, code) than the pattern's;
    `reason` is why somebody says to need it. `way` is how somebody signed in, `remark` what is to
    be known of the outcome. `labels` are the security labels of entities by their reference, and,
    by an empty one, of what the query found.
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
    labels: tuple[tuple[str, tuple[Label, ...]], ...] = ()
    way: str | None = None
    remark: str | None = None

    @property
    def charts(self) -> tuple[str, ...]:
        """Every patient it concerns, once each."""
        own = (self.patient,) if self.patient else ()
        named = tuple(one for one in self.entities if _is_patient(one))
        return tuple(dict.fromkeys((*own, *self.patients, *named)))

    def by_patient(self) -> tuple[Access, ...]:
        """The same access once for each patient, about that patient alone."""
        charts = self.charts
        if len(charts) < 2:
            return (self,)
        others = tuple(one for one in self.entities if one not in charts)
        own = set(self.entities)
        return tuple(
            replace(
                self,
                patient=chart,
                patients=(),
                entities=(chart, *others) if chart in own else others,
            )
            for chart in charts
        )


def _is_patient(reference: str) -> bool:
    return reference.startswith("Patient/") and reference.count("/") == 1
