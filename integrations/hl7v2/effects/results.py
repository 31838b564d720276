"""Results of a message reach the alert rules, in the transaction that stores them."""

from __future__ import annotations

from pathlib import Path

from fhir_server.clock import Clock
from fhir_server.store import UnitOfWork
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.writing.outcome import Applied
from pipelines.consultation.results import judge
from pipelines.store import ConsultationStore
from terminology.critical_results import critical_results


class ResultAlerts:
    """A consequence, see `writing/importing.py`. `table` is the site's file, if there is one."""

    def __init__(self, clock: Clock, table: Path | None = None) -> None:
        self._clock = clock
        self._table = critical_results(table)

    async def __call__(self, unit: UnitOfWork, conversion: Conversion, applied: Applied) -> None:
        """Judge every Observation that has a new version."""
        consultations = ConsultationStore(unit.database)
        for one in applied.changed("Observation"):
            type, _, id = one.reference.partition("/")
            stored = await unit.find(type, id)
            if stored is not None and not stored.deleted:
                await judge(unit, consultations, stored, self._table, at=self._clock())
