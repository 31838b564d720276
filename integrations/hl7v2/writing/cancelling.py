"""Cancelled things have the state that says so, whether or not the message's fields do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from integrations.hl7v2.mapping.actions import Action, Cancel, Cancelled
from integrations.hl7v2.mapping.draft import Draft

_STATUS: dict[tuple[Cancelled, str], tuple[str, str]] = {
    (Cancelled.ORDER, "ServiceRequest"): ("status", "revoked"),
    (Cancelled.ORDER, "MedicationRequest"): ("status", "cancelled"),
    (Cancelled.APPOINTMENT, "Appointment"): ("status", "cancelled"),
    (Cancelled.DOCUMENT, "DocumentReference"): ("status", "entered-in-error"),
    (Cancelled.RESULT, "Observation"): ("status", "cancelled"),
    (Cancelled.RESULT, "DiagnosticReport"): ("status", "cancelled"),
    (Cancelled.REFERRAL, "ServiceRequest"): ("status", "revoked"),
}
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ERROR = {"coding": [{"code": "entered-in-error", "system": _VERIFICATION}]}
_SAYS_SO = frozenset({"cancelled", "entered-in-error", "revoked", "noshow", "stopped"})


def cancelled(drafts: Iterable[Draft], actions: Iterable[Action]) -> tuple[Draft, ...]:
    """The drafts, those that an action cancels with the status of what is cancelled."""
    taken_back = {one.key: one.what for one in actions if isinstance(one, Cancel)}
    return tuple(_cancelled(draft, taken_back.get(draft.key)) for draft in drafts)


def _cancelled(draft: Draft, what: Cancelled | None) -> Draft:
    if what is Cancelled.PROBLEM:
        kept = {n: held for n, held in draft.resource.items() if n != "clinicalStatus"}
        return replace(draft, resource={**kept, "verificationStatus": _ERROR})
    change = _STATUS.get((what, draft.type)) if what else None
    if change is None:
        if what is Cancelled.PERSON and draft.type == "Patient":
            return replace(draft, resource={**draft.resource, "active": False})
        return draft
    name, code = change
    if draft.resource.get(name) in _SAYS_SO or draft.status_told in _SAYS_SO:
        return draft
    assumed = tuple(one for one in draft.assumed if one != name)
    return replace(draft, resource={**draft.resource, name: code}, assumed=assumed)
