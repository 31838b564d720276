"""The order of labels, what roles see of it, and labels at a write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.auth.policy import restricting_labels, roles
from fhir_server.labels import ACT_CODE, CONFIDENTIALITY, Label, high_water_mark, labelled, rank
from fhir_server.labels.lattice import LEVELS, labels_of

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
LABELS = st.lists(st.sampled_from(restricting_labels()), max_size=5).map(tuple)
ROLES = st.lists(st.sampled_from(sorted(roles())), min_size=1, max_size=3)
Json = dict[str, Any]


def visible(names: list[str], labels: tuple[Label, ...]) -> bool:
    seen = frozenset[Label]().union(*(roles()[name].sees for name in names))
    return set(labels) <= seen


def below(low: tuple[Label, ...], high: tuple[Label, ...]) -> bool:
    """Whether one mark is no more than another."""
    levels = [
        max((rank(code) for system, code in one if system == CONFIDENTIALITY), default=rank("N"))
        for one in (low, high)
    ]
    others = [{one for one in mark if one[0] == ACT_CODE} for mark in (low, high)]
    return levels[0] <= levels[1] and others[0] <= others[1]


@given(ROLES, ROLES, LABELS)
def test_more_roles_see_no_less(
    some: list[str], more: list[str], labels: tuple[Label, ...]
) -> None:
    assert not visible(some, labels) or visible([*some, *more], labels)


@given(ROLES, LABELS, LABELS)
def test_more_labels_are_seen_by_no_more(
    names: list[str], some: tuple[Label, ...], more: tuple[Label, ...]
) -> None:
    assert not visible(names, (*some, *more)) or visible(names, some)


@pytest.mark.parametrize("name", sorted(roles()))
def test_who_sees_a_level_sees_those_below(name: str) -> None:
    seen = [code for code in LEVELS if (CONFIDENTIALITY, code) in roles()[name].sees]
    assert tuple(seen) == LEVELS[: len(seen)]


@given(st.lists(LABELS, min_size=1, max_size=4))
def test_the_high_water_mark_is_the_least_upper_bound(each: list[tuple[Label, ...]]) -> None:
    mark = high_water_mark(each)
    assert mark == high_water_mark(reversed(each)) == high_water_mark([*each, *each])
    assert all(below(one, mark) for one in each if one)
    if mark:
        levels = [code for one in each for system, code in one if system == CONFIDENTIALITY]
        assert mark[0][1] in (*levels, "N")
        assert set(mark[1:]) == {one for labels in each for one in labels if one[0] == ACT_CODE}


def condition(code: str, *labels: Label) -> Json:
    security = [{"system": system, "code": one} for system, one in labels]
    return {
        "resourceType": "Condition",
        "id": "c",
        "code": {"coding": [{"system": ICD, "code": code}]},
        **({"meta": {"security": security}} if security else {}),
    }


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("F10.20", {"R", "ETH", "SUD"}),
        ("F17.210", set()),  # nicotine is not in 42 CFR Part 2
        ("B20", {"R", "HIV"}),
        ("F32.1", {"PSY"}),
        ("T74.11XA", {"R", "SDV"}),
        ("A54.9", {"STD"}),
        ("F64.0", {"R", "SEX"}),
        ("Z15.01", {"GDIS"}),
        ("D57.1", {"SICKLE"}),
        ("E11.9", set()),
    ],
)
def test_codes_bring_labels(code: str, wanted: set[str]) -> None:
    assert {one for _, one in labels_of(labelled(condition(code)))} == wanted


def test_a_code_in_a_contained_resource_counts() -> None:
    holder = {
        "resourceType": "MedicationRequest",
        "contained": [{"resourceType": "Condition", "code": condition("B20")["code"]}],
    }
    assert (ACT_CODE, "HIV") in labels_of(labelled(holder))


HIV, LOW, HIGH = (ACT_CODE, "HIV"), (CONFIDENTIALITY, "L"), (CONFIDENTIALITY, "V")


def test_an_update_takes_no_label_away() -> None:
    before = condition("E11.9", HIV, HIGH)
    assert set(labels_of(labelled(condition("E11.9"), before))) == {HIV, HIGH}
    assert set(labels_of(labelled(condition("E11.9", LOW), before))) == {HIV, HIGH}
    assert set(labels_of(labelled(condition("E11.9", HIGH), condition("E11.9", LOW)))) == {HIGH}


def test_what_was_declassified_stays_so_while_its_codes_stay() -> None:
    assert labels_of(labelled(condition("B20"), condition("B20"))) == ()
    assert HIV in labels_of(labelled(condition("B20"), condition("E11.9")))


def test_a_tag_of_another_kind_is_the_writers_own() -> None:
    other = ("urn:x", "y")
    assert labels_of(labelled(condition("E11.9"), condition("E11.9", other))) == ()


def test_what_is_about_no_patient_is_left_alone() -> None:
    value_set = {"resourceType": "ValueSet", "compose": condition("B20")["code"]}
    assert labelled(value_set) is value_set
