"""All directives at one moment, and what they refuse a caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fhir_server.auth.caller import SYSTEM, Caller
from fhir_server.auth.directives.caller_facts import (
    Members,
    allows_action,
    concerns,
    names_application,
)
from fhir_server.auth.directives.resource_conditions import (
    Part,
    all_of,
    any_of,
    none_of,
    resource_part,
)
from fhir_server.auth.directives.rule import Rule
from fhir_server.auth.policy import may_keep_consents
from fhir_server.definitions.search_parameters import patient_compartment
from fhir_server.search.criteria import Criterion, OfPatients

EMERGENCY = "BTG"
"""Break the glass, of HL7's v3-ActReason."""

_KEPT = 4096
_PATIENT = re.compile(rb"Patient/[A-Za-z0-9.\-]{1,64}")
_EXEMPT = frozenset({"AuditEvent"})
"""The record of accesses is for auditors, whatever a patient denies."""


@dataclass(frozen=True)
class Refusal:
    """What a caller may not reach of a type. `patients` are those whose directives say so."""

    criterion: Criterion
    patients: frozenset[str]

    def may_hit(self, reference: str, raw: bytes) -> bool:
        """Whether a resource names any of the patients at all; a quick look before the real one."""
        if reference in self.patients:
            return True
        return any(one.decode() in self.patients for one in _PATIENT.findall(raw))


class Directives:
    """An immutable set of rules. `rules` are by the reference of their Consent."""

    def __init__(
        self, rules: Mapping[str, tuple[Rule, ...]], members: Members | None = None
    ) -> None:
        self.rules = rules
        self.members: Members = members or {}
        self._moments = sorted(
            {
                moment
                for own in rules.values()
                for rule in own
                for step in rule.steps
                for moment in step.period or ()
                if moment is not None
            }
        )
        self._applying: dict[object, Mapping[str, tuple[Rule, ...]]] = {}
        self._refusals: dict[object, Refusal | None] = {}

    def refusal(
        self, caller: Caller, type: str, letter: str, base: str, now: datetime
    ) -> Refusal | None:
        """What the directives keep from `caller`, None for nothing."""
        if not self.rules or type in _EXEMPT or caller == SYSTEM:
            return None
        if type != "Patient" and not patient_compartment(type):
            return None
        if type == "Consent" and may_keep_consents(caller.roles):
            return None
        who = (self._epoch(now), _plain(caller))
        key = (who, type, letter, base)
        if key not in self._refusals:
            if len(self._refusals) >= _KEPT:
                self._refusals.clear()
                self._applying.clear()
            if who not in self._applying:
                self._applying[who] = self._rules_about(caller, now)
            self._refusals[key] = _refusal(self._applying[who], type, letter, base)
        return self._refusals[key]

    def _epoch(self, now: datetime) -> int:
        """How many of the moments at which some rule begins or ends are over."""
        return sum(moment <= now for moment in self._moments)

    def _rules_about(self, caller: Caller, now: datetime) -> Mapping[str, tuple[Rule, ...]]:
        """The rules that are about the caller, by patient, where any of them denies."""
        found: dict[str, list[Rule]] = {}
        for own in self.rules.values():
            for rule in own:
                if _binds(rule, caller) and concerns(rule, caller, self.members, now):
                    found.setdefault(rule.patient, []).append(rule)
        return {
            patient: tuple(sorted(rules, key=lambda one: (one.rank, one.denies)))
            for patient, rules in found.items()
            if any(one.denies for one in rules)
        }


def _plain(caller: Caller) -> Caller:
    """The caller without what directives do not look at."""
    return replace(caller, token="", display="", expires=None, scope="", directives=None)


def _binds(rule: Rule, caller: Caller) -> bool:
    """The patient is bound by what the own directive says of an application, by nothing else.

    Whoever breaks the glass is not bound by the directives of that patient.
    """
    if caller.reference == rule.patient:
        return names_application(rule, caller)
    return not (caller.purpose == EMERGENCY and caller.patient == rule.patient)


def _refusal(
    applying: Mapping[str, tuple[Rule, ...]], type: str, letter: str, base: str
) -> Refusal | None:
    alike: dict[Part, list[str]] = {}
    for patient, rules in applying.items():
        denied = _denied(rules, type, letter, base)
        if denied is not False:
            alike.setdefault(denied, []).append(patient)
    parts = [all_of((OfPatients(tuple(own)), part)) for part, own in alike.items()]
    whole = any_of(parts)
    if isinstance(whole, bool):
        return None
    return Refusal(whole, frozenset(one for own in alike.values() for one in own))


def _denied(rules: Iterable[Rule], type: str, letter: str, base: str) -> Part:
    """Each rule outweighs those before it. Who is refused something may not rewrite the Consent."""
    if type == "Consent" and letter in "cud":
        return True
    denied: Part = False
    for rule in rules:
        holds = all_of(
            resource_part(step, type, base, denies=rule.denies)
            if allows_action(step, letter, denies=rule.denies)
            else False
            for step in rule.steps
        )
        denied = any_of((denied, holds)) if rule.denies else all_of((denied, none_of(holds)))
    return denied
