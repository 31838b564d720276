"""Which consultations a caller may begin, watch, record and answer: those whose resources they may.

What a consultation tells, at once and as events, is in its Encounter, transcript, note and alerts.
So whoever is told has to be allowed to read each of these, this patient's and not just some, by
`fhir_server.auth.access`. What is out of reach is answered as if it did not exist.
"""

from __future__ import annotations

from fhir_server.auth.access import permit
from fhir_server.auth.caller import Caller
from fhir_server.errors import InvalidResource, ResourceGone, ResourceNotFound
from fhir_server.interactions.context import Context
from fhir_server.interactions.visibility import require_content, sees
from fhir_server.server import FhirServer
from pipelines.store import ConsultationRecord

_TOLD = ("Encounter", "DocumentReference", "Composition", "DetectedIssue")
_BEGUN = ("Encounter", "Consent", "DocumentReference")


class Reach:
    """What one caller may do with consultations. All methods raise `NotPermitted` too."""

    def __init__(self, fhir: FhirServer, caller: Caller) -> None:
        self._server = fhir.server
        self._caller = caller

    async def require_start(self, patient: str) -> None:
        """Raise `InvalidResource` for a patient whom the caller may not know of."""
        for type in _BEGUN:
            permit(self._caller, type, "create")
        permit(self._caller, "Patient", "read")
        if not await self._sees(patient, "r", absent=False):
            raise InvalidResource("There is no such patient.", expression=("patient",))
        visit = {"resourceType": "Encounter", "subject": {"reference": patient}}
        await require_content(await self._context(), visit, "c")

    async def require_read(self, record: ConsultationRecord) -> None:
        """Raise `ResourceNotFound` unless all that the consultation tells may be read."""
        for type in _TOLD:
            permit(self._caller, type, "read")
        alerts = [f"DetectedIssue/{alert.id}" for alert in record.alerts]
        note = (record.note or {}).get("composition")
        parts = [record.transcript, *([str(note)] if note else []), *alerts]
        # A part may be on its way still; the visit is there from the first moment.
        reached = [await self._sees(f"Encounter/{record.encounter}", "r", absent=False)]
        reached += [await self._sees(part, "r", absent=True) for part in parts]
        if not all(reached):
            raise ResourceNotFound("There is no consultation of that id.")

    async def require_update(self, reference: str) -> None:
        """Raise `ResourceNotFound` unless one resource of a consultation may be changed."""
        permit(self._caller, reference.partition("/")[0], "update")
        if not await self._sees(reference, "u", absent=False):
            raise ResourceNotFound("There is no consultation of that id.")

    async def _sees(self, reference: str, letter: str, *, absent: bool) -> bool:
        type, _, id = reference.partition("/")
        try:
            stored = await self._server.store.read(type, id)
        except (ResourceNotFound, ResourceGone):
            return absent
        return await sees(await self._context(), stored, letter)

    async def _context(self) -> Context:
        """With the directives of patients as they were when the caller's token was looked up."""
        found = await self._server.directives.current(self._caller.directives)
        return Context(self._server, self._caller, "", found)
