"""A Consent as rules. https://hl7.org/fhir/R4/consent.html

A provision holds where its own conditions and those of the provisions around it hold. Each becomes
one rule with a rank: how many kinds of conditions it has, then how deep it is nested. Of the rules
that apply to an access the one of the highest rank decides, of several of one rank a denying one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fhir_server.dates import range_of
from fhir_server.labels import ACT_CODE, Label
from fhir_server.labels.lattice import label_of
from fhir_server.resource import Resource

ROLES = "https://aimed.example/fhir/CodeSystem/role"
"""The system of role codes in `actor.role`: those of data/roles.json."""

_OPT_OUT = frozenset({"OPTOUT", "OPTOUTE"})
_OPT_IN = frozenset({"OPTIN", "OPTINR"})


@dataclass(frozen=True)
class Actor:
    """Who a provision is about. Empty members say nothing; `unclear` is what names nobody."""

    reference: str = ""
    identifier: str = ""
    roles: tuple[str, ...] = ()

    @property
    def unclear(self) -> bool:
        """Whether nobody can tell who is meant."""
        return not (self.reference or self.identifier or self.roles)


@dataclass(frozen=True)
class Conditions:
    """The conditions of one provision; an empty member is none. Periods are half-open."""

    period: tuple[datetime | None, datetime | None] | None = None
    actors: tuple[Actor, ...] = ()
    actions: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    purposes: tuple[str, ...] = ()
    classes: tuple[Label, ...] = ()
    codes: tuple[Label, ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    data_period: tuple[str | None, str | None] | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of conditions there are; a time of validity makes nothing more specific."""
        named = {
            "actors": self.actors,
            "actions": self.actions,
            "labels": self.labels,
            "purposes": self.purposes,
            "classes": self.classes,
            "codes": self.codes,
            "data": self.data,
            "data_period": self.data_period,
        }
        return frozenset(name for name, value in named.items() if value)


@dataclass(frozen=True)
class Rule:
    """One provision. `steps` are the conditions from the outermost in; `patient` a reference."""

    patient: str
    denies: bool
    rank: tuple[int, int]
    steps: tuple[Conditions, ...]


def rules_of(consent: Resource) -> tuple[Rule, ...]:
    """The rules of an active Consent; none of another."""
    patient = local(consent.get("patient", {}).get("reference", ""))
    if consent.get("status") != "active" or not patient.startswith("Patient/"):
        return ()
    root = consent.get("provision", {})
    return tuple(_rules(root, _base(consent), patient, ()))


def _rules(
    provision: dict[str, Any], type: str | None, patient: str, around: tuple[Conditions, ...]
) -> Iterator[Rule]:
    steps = (*around, conditions_of(provision))
    if type is not None:
        kinds = frozenset[str]().union(*(one.kinds for one in steps))
        yield Rule(patient, type == "deny", (len(kinds), len(steps)), steps)
    for inner in provision.get("provision", ()):
        yield from _rules(inner, inner.get("type"), patient, steps)


def _base(consent: Resource) -> str | None:
    """What the outermost provision says: its own type, or that of the policy it follows."""
    stated: str | None = consent.get("provision", {}).get("type")
    if stated is not None:
        return stated
    policies = {
        one.get("code")
        for one in consent.get("policyRule", {}).get("coding", ())
        if one.get("system") == ACT_CODE
    }
    if policies & _OPT_OUT:
        return "deny"
    return "permit" if policies & _OPT_IN else None


def conditions_of(provision: dict[str, Any]) -> Conditions:
    """The conditions that a provision states itself."""
    return Conditions(
        period=_period(provision.get("period")),
        actors=tuple(_actor(one) for one in provision.get("actor", ())),
        actions=tuple(code for _, code in _codings(provision.get("action", ()))),
        labels=tuple(label_of(one) for one in provision.get("securityLabel", ())),
        purposes=tuple(one.get("code", "") for one in provision.get("purpose", ())),
        classes=tuple(label_of(one) for one in provision.get("class", ())),
        codes=tuple(_codings(provision.get("code", ()))),
        data=tuple(
            (one.get("meaning", ""), local(one.get("reference", {}).get("reference", "")))
            for one in provision.get("data", ())
        ),
        data_period=_range(provision.get("dataPeriod")),
    )


def local(reference: str) -> str:
    """`Type/id` of a reference, whatever server it names and whichever version."""
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def _codings(concepts: list[dict[str, Any]]) -> Iterator[Label]:
    for concept in concepts:
        codings = concept.get("coding", ())
        yield from (label_of(one) for one in codings)
        if not codings:  # a text alone names nothing that could be compared
            yield "", ""


def _actor(actor: dict[str, Any]) -> Actor:
    who = actor.get("reference", {})
    roles = tuple(
        one.get("code", "")
        for one in actor.get("role", {}).get("coding", ())
        if one.get("system") == ROLES
    )
    reference = local(who.get("reference", ""))
    return Actor(reference, str(who.get("identifier", {}).get("value", "")), roles)


def _range(period: dict[str, Any] | None) -> tuple[str | None, str | None] | None:
    if not period:
        return None
    return period.get("start"), period.get("end")


def _period(period: dict[str, Any] | None) -> tuple[datetime | None, datetime | None] | None:
    if not period:
        return None
    start, end = (range_of("dateTime", period.get(one)) for one in ("start", "end"))
    return _utc(start[0]) if start else None, _utc(end[1]) if end else None


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
