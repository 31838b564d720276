"""What the event itself does: discharge, cancel, merge (`triggers` in `data/rules.json`)."""

from __future__ import annotations

from integrations.hl7v2.mapping.actions import (
    Action,
    Cancel,
    Cancelled,
    ChangeIdentifier,
    Discharge,
    Merge,
    Move,
    Replace,
    SnapshotAllergies,
)
from integrations.hl7v2.mapping.context import Json
from integrations.hl7v2.mapping.drafts import Building, Drafts
from integrations.hl7v2.mapping.tables import Tables
from integrations.hl7v2.message.header import Header

_CANCELLED_ORDERS = frozenset(("CA", "OC", "CR", "DC", "DR", "OD"))
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_CANCELLED_RESULTS = frozenset(("cancelled", "entered-in-error"))


def effects(header: Header, tables: Tables, drafts: Drafts) -> tuple[Action, ...]:
    """The actions of the message, in the order in which they are to be done."""
    made: list[Action] = []
    rule = tables.triggers.get(f"{header.type}^{header.trigger}", {})
    status = rule.get("status")
    if status:
        for type, code in status.items():
            for one in _of(drafts, type):
                one.resource["status"] = code
    _deleted_allergies(drafts)
    made += _done(rule, drafts)
    made += _pairs(rule, drafts)
    made += _orders(drafts)
    made += _results(drafts)
    if rule.get("snapshot") and _of(drafts, "Patient"):
        listed = tuple(one.key for one in _of(drafts, "AllergyIntolerance"))
        acted = any("action" in one.roles for one in _of(drafts, "AllergyIntolerance"))
        if listed and not acted:
            made.append(SnapshotAllergies(_of(drafts, "Patient")[0].key, listed))
    return tuple(made)


def _deleted_allergies(drafts: Drafts) -> None:
    """IAM-6 D (table 0323): taken off the list."""
    for one in _of(drafts, "AllergyIntolerance"):
        if one.roles.get("action") == "D":
            one.resource["clinicalStatus"] = {"coding": [{"system": _ALLERGY, "code": "inactive"}]}


def _of(drafts: Drafts, type: str) -> list[Building]:
    """The drafts of a type that the message is about: not those it names in passing."""
    return [
        one
        for one in drafts.all.values()
        if one.resource["resourceType"] == type and not one.roles.keys() & {"of", "parent-of"}
    ]


def _done(rule: Json, drafts: Drafts) -> list[Action]:
    made: list[Action] = []
    if rule.get("discharge"):
        made += [Discharge(one.key) for one in _of(drafts, "Encounter")]
    for type, what in rule.get("cancel", {}).items():
        made += [Cancel(one.key, Cancelled(what)) for one in _of(drafts, type)]
    return made


def _pairs(rule: Json, drafts: Drafts) -> list[Action]:
    """Merges, moves and changed identifiers: the draft of MRG against that of PID before it."""
    made: list[Action] = []
    kind = rule.get("pair")
    for type in rule.get("types", ()):
        for former in drafts.all.values():
            current = former.roles.get("of")
            if former.resource["resourceType"] != type or current is None:
                continue
            if current not in drafts.all or not former.identities:
                continue
            if kind == "merge":
                made.append(Merge(current, former.key))
            elif kind == "change":
                made.append(ChangeIdentifier(current, former.key))
    if kind == "move":
        made += _moves(rule, drafts)
    if rule.get("document"):
        for one in drafts.all.values():
            replacing = one.roles.get("parent-of")
            if replacing in drafts.all and one.identities:
                made.append(Replace(str(replacing), one.key, rule["document"]))
    return made


def _moves(rule: Json, drafts: Drafts) -> list[Action]:
    made: list[Action] = []
    for former in drafts.all.values():
        target = former.roles.get("of")
        if former.resource["resourceType"] != rule["from"] or target not in drafts.all:
            continue
        moved: list[str | None] = [
            one.key
            for one in drafts.all.values()
            if one.resource["resourceType"] in rule["moved"] and "of" not in one.roles
        ]
        made += [Move(key, former.key, str(target)) for key in moved or [None]]
    return made


def _orders(drafts: Drafts) -> list[Action]:
    return [
        Cancel(one.key, Cancelled.ORDER)
        for one in drafts.all.values()
        if one.roles.get("control") in _CANCELLED_ORDERS
    ]


def _results(drafts: Drafts) -> list[Action]:
    return [
        Cancel(one.key, Cancelled.RESULT)
        for one in drafts.all.values()
        if one.resource["resourceType"] in ("Observation", "DiagnosticReport")
        and one.resource.get("status") in _CANCELLED_RESULTS
    ]
