"""What directives refuse, against a plain reading of the rule in docs/guides/access-control.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.auth.caller import SYSTEM, Caller
from fhir_server.auth.directives import Directives
from fhir_server.auth.directives.rule import ROLES, rules_of
from fhir_server.search.conditions import Scope
from fhir_server.search.document_filter import meets
from fhir_server.search.extraction import Indexer
from fhir_server.search.mongo_filter import tree

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE = "http://test/fhir"
TYPES = "http://hl7.org/fhir/resource-types"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
LEVELS = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
Json = dict[str, Any]

CODES = ["a", "b"]
LABELS = ["HIV", "PSY"]
WHO = ["Practitioner/x", "Practitioner/y"]


def actor(reference: str) -> Json:
    return {"role": {"text": "recipient"}, "reference": {"reference": reference}}


def some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True)


CONDITIONS = st.fixed_dictionaries(
    {
        "actor": some(WHO).map(lambda found: [actor(one) for one in found]),
        "class": some(["Observation", "Condition"]).map(
            lambda found: [{"system": TYPES, "code": one} for one in found]
        ),
        "code": some(CODES).map(
            lambda found: [{"coding": [{"system": "urn:s", "code": one}]} for one in found]
        ),
        "securityLabel": some(LABELS).map(
            lambda found: [{"system": ACT_CODE, "code": one} for one in found]
        ),
        "purpose": some(["TREAT", "HPAYMT"]).map(
            lambda found: [{"system": REASON, "code": one} for one in found]
        ),
        "data": some(["Observation/1", "Condition/2"]).map(
            lambda found: [
                {"meaning": "instance", "reference": {"reference": one}} for one in found
            ]
        ),
        "type": st.sampled_from(["deny", "permit"]),
    }
).map(lambda found: {name: value for name, value in found.items() if value})
PROVISIONS = st.recursive(
    CONDITIONS,
    lambda inner: st.tuples(CONDITIONS, st.lists(inner, max_size=2)).map(
        lambda pair: {**pair[0], "provision": pair[1]}
    ),
    max_leaves=6,
)
RESOURCES = st.builds(
    lambda type, id, code, labels, patient: {
        "resourceType": type,
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "urn:s", "code": code}]},
        "subject": {"reference": patient},
        **(
            {"meta": {"security": [{"system": ACT_CODE, "code": x} for x in labels]}}
            if labels
            else {}
        ),
    },
    st.sampled_from(["Observation", "Condition"]),
    st.sampled_from(["1", "2"]),
    st.sampled_from([*CODES, "c"]),
    some(LABELS),
    st.sampled_from(["Patient/p", "Patient/q", f"{BASE}/Patient/p"]),
)


def consent(provision: Json, **members: Any) -> Json:
    return {
        "resourceType": "Consent",
        "status": "active",
        "patient": {"reference": "Patient/p"},
        "provision": provision,
        **members,
    }


def caller(reference: str = WHO[0], role: str = "clinician", **members: Any) -> Caller:
    return Caller(reference, "", "user/*.cruds", (role,), "t", **members)


def directives(*consents: Json) -> Directives:
    return Directives({f"Consent/{place}": rules_of(one) for place, one in enumerate(consents)})


def refused(found: Directives, who: Caller, resource: Json, letter: str = "r") -> bool:
    type = resource["resourceType"]
    refusal = found.refusal(who, type, letter, BASE, NOW)
    if refusal is None:
        return False
    reference = f"{type}/{resource['id']}"
    entry = Indexer().index(resource, NOW).fields()
    document = {"_id": reference, "id": resource["id"], "type": type, **entry}
    return meets(document, tree(refusal.criterion, Scope((type,), BASE, NOW)))


KINDS = ("actor", "class", "code", "securityLabel", "purpose", "data")
PURPOSE = {"clinician": "TREAT", "biller": "HPAYMT"}


def plainly(consents: list[Json], who: Caller, resource: Json) -> bool:
    """The rule as it is written down, walked over the JSON."""
    found: list[tuple[int, int, bool]] = []

    def walk(provision: Json, kinds: frozenset[str], depth: int) -> None:
        if not all(holds(kind, provision.get(kind), who, resource) for kind in KINDS):
            return
        own = kinds | {kind for kind in KINDS if provision.get(kind)}
        found.append((len(own), depth, provision["type"] == "deny"))
        for inner in provision.get("provision", ()):
            walk(inner, own, depth + 1)

    if resource["subject"]["reference"].endswith("Patient/p"):
        for one in consents:
            walk(one["provision"], frozenset(), 1)
    return max(found)[2] if found else False


def holds(kind: str, wanted: list[Json] | None, who: Caller, resource: Json) -> bool:
    if not wanted:
        return True
    if kind == "actor":
        return who.reference in [one["reference"]["reference"] for one in wanted]
    if kind == "class":
        return resource["resourceType"] in [one["code"] for one in wanted]
    if kind == "code":
        own = resource["code"]["coding"][0]["code"]
        return own in [one["coding"][0]["code"] for one in wanted]
    if kind == "securityLabel":
        labels = {one["code"] for one in resource.get("meta", {}).get("security", ())}
        return bool(labels & {one["code"] for one in wanted})
    if kind == "purpose":
        return PURPOSE[who.roles[0]] in [one["code"] for one in wanted]
    own = f"{resource['resourceType']}/{resource['id']}"
    return own in [one["reference"]["reference"] for one in wanted]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PROVISIONS, min_size=1, max_size=3),
    st.sampled_from(WHO),
    st.sampled_from(sorted(PURPOSE)),
    RESOURCES,
)
def test_the_rule_is_what_is_written_down(
    provisions: list[Json], reference: str, role: str, resource: Json
) -> None:
    consents, who = [consent(one) for one in provisions], caller(reference, role)
    assert refused(directives(*consents), who, resource) is plainly(consents, who, resource)


LAB = {
    "resourceType": "Observation",
    "id": "1",
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2020-05-01",
}
ALL = {"type": "deny"}


@pytest.mark.parametrize(
    ("provision", "members", "bound"),
    [
        (ALL, {}, True),
        (ALL, {"status": "inactive"}, False),
        (ALL, {"status": "entered-in-error"}, False),
        ({"type": "permit"}, {}, False),
        ({}, {}, False),
        ({}, {"policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTOUT"}]}}, True),
        ({}, {"policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTIN"}]}}, False),
        ({**ALL, "period": {"end": "2025-12-30"}}, {}, False),
        ({**ALL, "period": {"end": "2026-01-01"}}, {}, True),
        ({**ALL, "period": {"start": "2026-01-02"}}, {}, False),
        ({**ALL, "dataPeriod": {"start": "2020-01-01", "end": "2020-12-31"}}, {}, True),
        ({**ALL, "dataPeriod": {"start": "2021-01-01"}}, {}, False),
        ({**ALL, "action": [{"coding": [{"code": "access"}]}]}, {}, True),
        ({**ALL, "action": [{"coding": [{"code": "correct"}]}]}, {}, False),
        (
            {**ALL, "data": [{"meaning": "related", "reference": {"reference": "Patient/p"}}]},
            {},
            True,
        ),
        ({**ALL, "securityLabel": [{"system": LEVELS, "code": "N"}]}, {}, True),
        ({**ALL, "securityLabel": [{"system": LEVELS, "code": "R"}]}, {}, False),
        # What cannot be understood denies, and does not permit.
        ({**ALL, "class": [{"system": "urn:x", "code": "y"}]}, {}, True),
        ({**ALL, "code": [{"text": "something"}]}, {}, True),
        ({**ALL, "actor": [{"role": {"text": "r"}, "reference": {"display": "him"}}]}, {}, True),
        ({**ALL, "provision": [{"type": "permit", "code": [{"text": "x"}]}]}, {}, True),
        ({**ALL, "actor": [actor("CareTeam/1")]}, {}, False),
    ],
)
def test_one_provision(provision: Json, members: Json, bound: bool) -> None:
    assert refused(directives(consent(provision, **members)), caller(), LAB) is bound


def test_whom_a_directive_does_not_bind() -> None:
    found = directives(consent(ALL))
    emergency = caller(role="break-glass", purpose="BTG", patient="Patient/p")
    elsewhere = caller(role="break-glass", purpose="BTG", patient="Patient/q")
    assert not refused(found, SYSTEM, LAB)
    assert not refused(found, caller("Patient/p", "patient"), LAB)
    assert not refused(found, emergency, LAB)
    assert refused(found, elsewhere, LAB)
    assert refused(found, caller(role="admin"), LAB)


def test_an_application_that_is_named_binds_the_patient_too() -> None:
    device = {"role": {"text": "r"}, "reference": {"identifier": {"value": "app"}}}
    found = directives(consent({**ALL, "actor": [device]}))
    assert refused(found, caller("Patient/p", "patient", client="app"), LAB)
    assert not refused(found, caller("Patient/p", "patient", client="other"), LAB)


def test_teams_and_roles_stand_for_people() -> None:
    nurses = {
        "role": {"coding": [{"system": ROLES, "code": "nurse"}]},
        "reference": {"display": "n"},
    }
    found = directives(consent({**ALL, "actor": [nurses]}))
    assert refused(found, caller(role="nurse"), LAB)
    assert not refused(found, caller(), LAB)
    team = {"Consent/1": rules_of(consent({**ALL, "actor": [actor("CareTeam/1")]}))}
    assert refused(Directives(team, {"CareTeam/1": frozenset({WHO[0]})}), caller(), LAB)


def test_who_is_refused_something_rewrites_no_directive() -> None:
    found = directives(consent({**ALL, "class": [{"system": TYPES, "code": "Condition"}]}))
    own = {"resourceType": "Consent", "id": "c", "patient": {"reference": "Patient/p"}}
    assert not refused(found, caller(), own)
    assert all(refused(found, caller(), own, letter) for letter in "cud")
    assert not refused(found, caller(role="admin"), own, "u")


def test_a_rule_begins_and_ends_by_the_clock() -> None:
    found = directives(consent({**ALL, "period": {"start": "2026-02-01", "end": "2026-02-28"}}))
    days = [datetime(2026, month, 10, tzinfo=UTC) for month in (1, 2, 3)]
    assert [found.refusal(caller(), "Observation", "r", BASE, day) is not None for day in days] == [
        False,
        True,
        False,
    ]
