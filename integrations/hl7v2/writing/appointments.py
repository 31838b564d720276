"""An appointment's status where its times are not known yet: app-2 and app-3 of R4.

A no-show and a deletion come without times. Told of an appointment that is known they stand beside
its times; of one that is not known yet they wait in its ledger until the times come.
"""

from __future__ import annotations

from fhir_server.resource import Resource
from integrations.hl7v2.mapping.finish import WITHOUT_TIMES
from integrations.hl7v2.writing.ledger import Ledger

_WAITING = "status"
_OVER = ("noshow", "entered-in-error")


def completed(before: Resource, joined: Resource, ledger: Ledger) -> Resource:
    """`joined` with the status that its times allow, and why it was cancelled if it is (app-4)."""
    whole = {**joined, "status": _allowed(before, joined, ledger)}
    if whole["status"] != "cancelled":
        whole.pop("cancelationReason", None)
    return whole


def _allowed(before: Resource, joined: Resource, ledger: Ledger) -> str:
    status = str(joined["status"])
    if "start" in joined and "end" in joined:
        waiting = str(ledger.document.get(_WAITING, ""))
        ledger.set(_WAITING, "")
        return waiting if waiting and before.get("status") == status else status
    if status in WITHOUT_TIMES:
        return status
    ledger.set(_WAITING, status)
    return "cancelled" if status in _OVER else "proposed"
