"""Admissions as AuditEvents: Node Authentication of DICOM, who and from where. Decision 0007."""

from __future__ import annotations

from urllib.parse import urlencode

from fhir_server.audit import Access, AuditTrail
from fhir_server.auth.caller import SYSTEM, Caller
from integrations.hl7v2.mllp.admissions import Admission, Recorder


def recorder(audit: AuditTrail) -> Recorder:
    """Records in this trail."""

    async def record(admission: Admission, more: int) -> None:
        told = {"listener": admission.listener, **({"more": more} if more else {})}
        access = Access(
            "connection",
            403 if admission.refused else 200,
            query=f"hl7v2/connect?{urlencode(told)}",
            address=admission.peer or None,
            remark=admission.refused or None,
        )
        await audit.record(_peer(admission), access)

    return record


def _peer(admission: Admission) -> Caller | None:
    """A certificate says who it is; an address of the list does not."""
    if not admission.name:
        return None
    return Caller(SYSTEM.reference, admission.name, "", client=admission.name)
