"""The one place that decides what a caller may do, and to which resources of a type.

A caller may do what the token's scopes and one of the account's roles both permit. `permit` answers
for a type as a whole; `limits` says of which resources that holds: those of the patient in context,
those that a scope's query finds, those without a label that the roles may not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from fhir_server.auth.caller import Caller
from fhir_server.auth.policy import (
    Role,
    restricting_labels,
    roles,
    shared_types,
)
from fhir_server.auth.scopes import LETTER, Grant, grants
from fhir_server.definitions.search_parameters import compartment, parameters_of
from fhir_server.errors import FhirError, NotPermitted
from fhir_server.labels import Label
from fhir_server.search.criteria import RESOLVED_MODIFIERS, And, Clause, Criterion, Ids, Keys, Or
from fhir_server.search.query import parse

_INSERT_ONLY = {"AuditEvent"}
_AUDITOR = "auditor"


@dataclass(frozen=True)
class Limits:
    """What a resource has to meet; without a criterion nothing. `hidden` excludes labels."""

    criterion: Criterion | None
    hidden: Clause | None


def permit(caller: Caller, type: str, interaction: str) -> None:
    """Raise `NotPermitted` unless scopes and roles allow `interaction` on some of `type`."""
    limits(caller, type, LETTER[interaction])


def limits(caller: Caller, type: str, letter: str) -> Limits:
    """To which resources of `type` the interactions of a scope letter are limited.

    Raises `NotPermitted` when it is none at all.
    """
    if type in _INSERT_ONLY:
        _permit_audit(caller, letter)
    own = caller.reference if caller.client and letter == "r" else ""
    of_type = own if own.startswith(f"{type}/") and "fhirUser" in caller.scope.split() else ""
    themselves = caller.reference if caller.reference.startswith("Patient/") else None
    return _limits(caller.scope, caller.roles, caller.patient, type, letter, of_type, themselves)


@lru_cache(maxsize=4096)
def _limits(
    scope: str,
    own: tuple[str, ...],
    patient: str | None,
    type: str,
    letter: str,
    user: str,
    as_patient: str | None,
) -> Limits:
    # Who is granted fhirUser may read that one resource: SMART apps show who has signed in.
    themselves: list[Criterion | None] = [Ids((user,))] if user else []
    by_scope = themselves + _any_of(grants(scope), patient, type, letter)
    if not by_scope:
        raise NotPermitted(f"Your token's scopes do not cover this interaction on {type}.")
    held = [roles()[name] for name in own if name in roles()]
    # A role's patient/ grants are about who holds it, not about whom an application has in context.
    by_role = _any_of([one for role in held for one in role.grants], as_patient, type, letter)
    by_role += themselves
    if own and not by_role:  # a role that no table knows permits nothing
        raise NotPermitted(f"Your role does not cover this interaction on {type}.")
    parts = [part for part in (_union(by_scope), _union(by_role)) if part is not None]
    return Limits(_all_of(parts), _hidden(held, type))


def _any_of(
    listed: tuple[Grant, ...] | list[Grant], patient: str | None, type: str, letter: str
) -> list[Criterion | None]:
    """What each grant that concerns the interaction asks of a resource; None asks nothing."""
    found: list[Criterion | None] = []
    for one in listed:
        if one.concerns(type, letter):
            parts = _parts(one, patient, type)
            if parts is not None:
                found.append(_all_of(parts))
    return found


def _all_of(parts: list[Criterion]) -> Criterion | None:
    return And(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else None)


def _union(found: list[Criterion | None]) -> Criterion | None:
    named = [one for one in dict.fromkeys(found) if one is not None]
    if not found or None in found:
        return None
    return Or(tuple(named)) if len(named) > 1 else named[0]


def _parts(grant: Grant, patient: str | None, type: str) -> list[Criterion] | None:
    """All that a grant asks of a resource of `type`; None when it gives none of that type."""
    parts: list[Criterion] = []
    if grant.level == "patient" and type not in shared_types():
        own = _of_patient(type, patient)
        if own is None:
            return None
        parts.append(own)
    for name, value in grant.query:
        clause = _clause(type, name, value)
        if clause is None:
            return None
        parts.append(clause)
    return parts


def _of_patient(type: str, patient: str | None) -> Criterion | None:
    if patient is None:
        return None
    keys = [f"{code}={patient}" for code in compartment("Patient").get(type, ()) if code != "{def}"]
    inside: list[Criterion] = [Keys(tuple(keys))] if keys else []
    if type == "Patient":
        inside.insert(0, Ids((patient,)))
    return Or(tuple(inside)) if len(inside) > 1 else (inside[0] if inside else None)


def _clause(type: str, name: str, value: str) -> Criterion | None:
    """One parameter of a scope's query. What cannot be told of a resource alone gives nothing."""
    try:
        criteria = parse(type, ((name, value),)).criteria
    except FhirError:
        return None
    if len(criteria) != 1 or not isinstance(criteria[0], Clause):
        return None
    clause = criteria[0]
    plain = clause.modifier not in RESOLVED_MODIFIERS and clause.parameter.type != "special"
    return clause if plain else None


def _hidden(held: list[Role], type: str) -> Clause | None:
    """The labels that none of the roles may see, as a clause that excludes them."""
    if not held:
        return None
    seen = frozenset[Label]().union(*(role.sees for role in held))
    values = tuple(f"{one[0]}|{one[1]}" for one in restricting_labels() if one not in seen)
    return Clause(parameters_of(type)["_security"], "not", values) if values else None


def _permit_audit(caller: Caller, letter: str) -> None:
    if letter in "cud":
        raise NotPermitted("Audit events are written by the server alone and never changed.")
    if not caller.scope.startswith("system/") and _AUDITOR not in caller.roles:
        raise NotPermitted("Audit events are read by auditors.")
