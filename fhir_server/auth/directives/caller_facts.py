"""Whether a provision is about a caller: actor, purpose of use, action, time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fhir_server.auth.caller import Caller
from fhir_server.auth.directives.rule import Actor, Conditions, Rule
from fhir_server.auth.policy import purposes_of
from terminology.value_sets import ancestors

PURPOSES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

_SEEING = ("access", "use", "disclose")
_ACTIONS = {"r": _SEEING, "s": _SEEING, "c": ("collect",)}
_CHANGES = ("correct", *_SEEING)
"""What an update or deletion takes: to be answered is to be shown."""

_PEOPLE = frozenset({"Patient", "Practitioner", "PractitionerRole", "RelatedPerson"})
_LISTED = frozenset({"CareTeam", "Group"})
"""Types of actors that stand for their members and for nothing else."""

Members = Mapping[str, frozenset[str]]
"""For a team, group, role or organisation the references of those it stands for."""


def concerns(rule: Rule, caller: Caller, members: Members, now: datetime) -> bool:
    """Whether the parts of a rule that are about the caller and the time hold.

    Where it cannot be told, a denying rule holds and a permitting one does not.
    """
    return all(
        _in_time(step, now)
        and (not step.actors or any(_is(one, caller, members, rule.denies) for one in step.actors))
        and (not step.purposes or _has_purpose(step, caller, rule.denies))
        for step in rule.steps
    )


def allows_action(step: Conditions, letter: str, *, denies: bool) -> bool:
    """Whether a provision is about what a scope letter stands for. FHIR R4 consentaction."""
    if not step.actions:
        return True
    asked = _ACTIONS.get(letter, _CHANGES if denies else ("correct",))
    return bool(set(asked) & set(step.actions)) or (denies and "" in step.actions)


def names_application(rule: Rule, caller: Caller) -> bool:
    """Whether a rule names the very application that the caller uses."""
    return bool(caller.client) and any(
        caller.client in (one.identifier, one.reference.removeprefix("Device/"))
        for step in rule.steps
        for one in step.actors
    )


def _in_time(step: Conditions, now: datetime) -> bool:
    start, end = step.period or (None, None)
    return (start is None or start <= now) and (end is None or now < end)


def _is(actor: Actor, caller: Caller, members: Members, denies: bool) -> bool:
    if actor.unclear:
        return denies
    if _is_named(actor, caller, members):
        return True
    return denies and caller.unidentified and _may_be_a_system(actor, members)


def _is_named(actor: Actor, caller: Caller, members: Members) -> bool:
    return (
        (not actor.reference or _is_meant(actor.reference, caller, members))
        and (not actor.identifier or actor.identifier in (caller.client, caller.subject))
        and (not actor.roles or bool(set(actor.roles) & set(caller.roles)))
    )


def _may_be_a_system(actor: Actor, members: Members) -> bool:
    """Whether an actor may stand for a system: those of people, and of accounts' roles, do not."""
    type = actor.reference.partition("/")[0]
    if actor.roles:
        return False
    if type in _LISTED and actor.reference in members:
        own = members[actor.reference]
        return any(one.partition("/")[0] not in _PEOPLE for one in own)
    return type not in _PEOPLE


def _is_meant(reference: str, caller: Caller, members: Members) -> bool:
    own = {caller.reference, *([f"Device/{caller.client}"] if caller.client else [])}
    return bool(own & ({reference} | members.get(reference, frozenset())))


def _has_purpose(step: Conditions, caller: Caller, denies: bool) -> bool:
    own = purposes_of(caller.roles, caller.purpose)
    wider = {code for one in own for code in (ancestors(PURPOSES, one) or {one})}
    return bool(wider & set(step.purposes)) or (denies and not own)
