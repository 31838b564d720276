"""The one place that decides whether a caller may do something to a type of resource."""

from __future__ import annotations

from fhir_server.auth.caller import Caller
from fhir_server.auth.scopes import LETTER, permits
from fhir_server.errors import NotPermitted

_INSERT_ONLY = {"AuditEvent"}
_AUDITORS = {"auditor", "admin"}


def permit(caller: Caller, type: str, interaction: str) -> None:
    """Raise `NotPermitted` unless the caller's scopes and role allow `interaction` on `type`."""
    if not permits(caller.scope, type, LETTER[interaction]):
        raise NotPermitted(f"Your token's scopes do not cover {interaction} on {type}.")
    if type in _INSERT_ONLY:
        _permit_audit(caller, interaction)


def _permit_audit(caller: Caller, interaction: str) -> None:
    if LETTER[interaction] in "cud":
        raise NotPermitted("Audit events are written by the server alone and never changed.")
    if not caller.scope.startswith("system/") and not _AUDITORS & set(caller.roles):
        raise NotPermitted("Audit events are read by auditors.")
