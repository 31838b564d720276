from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.value_sets import (
    Expansion,
    builtin_code_system,
    builtin_value_set,
    expand,
    is_member,
)

Resource = dict[str, Any]

ANIMALS: Resource = {
    "resourceType": "CodeSystem",
    "url": "urn:animals",
    "content": "complete",
    "concept": [
        {
            "code": "mammal",
            "display": "Mammal",
            "concept": [
                {
                    "code": "dog",
                    "display": "Dog",
                    "property": [{"code": "legs", "valueInteger": 4}],
                },
                {
                    "code": "whale",
                    "display": "Whale",
                    "property": [{"code": "sea", "valueBoolean": True}],
                    "concept": [{"code": "orca"}],
                },
            ],
        },
        {"code": "bird", "property": [{"code": "status", "valueCode": "retired"}]},
    ],
}
PART: Resource = {**ANIMALS, "url": "urn:part", "content": "fragment"}
ALL = ("mammal", "dog", "whale", "orca", "bird")


def run(
    value_set: Resource, *others: Resource, limit: int = 50_000, systems: tuple[Resource, ...] = ()
) -> Expansion:
    known = {system["url"]: system for system in (ANIMALS, PART, *systems)}
    sets = {other["url"]: other for other in others}
    return expand(value_set, resolve_value_set=sets.get, resolve_code_system=known.get, limit=limit)


def including(*rules: Resource, **compose: Any) -> Resource:
    return {"resourceType": "ValueSet", "compose": {"include": list(rules), **compose}}


def filtered(op: str, value: str, name: str = "concept", system: str = "urn:animals") -> Resource:
    return {"system": system, "filter": [{"property": name, "op": op, "value": value}]}


def animals(expansion: Expansion) -> set[str]:
    assert expansion.complete
    return {code for _, code in expansion.codes}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"system": "urn:animals"}, set(ALL)),
        ({"system": "urn:animals", "concept": [{"code": "dog"}]}, {"dog"}),
        (filtered("is-a", "whale"), {"whale", "orca"}),
        (filtered("descendent-of", "mammal"), {"dog", "whale", "orca"}),
        (filtered("is-not-a", "mammal"), {"bird"}),
        (filtered("generalizes", "orca"), {"orca", "whale", "mammal"}),
        (filtered("child-of", "mammal"), {"dog", "whale"}),
        (filtered("descendent-leaf", "mammal"), {"dog", "orca"}),
        (filtered("=", "mammal", "parent"), {"dog", "whale"}),
        (filtered("=", "orca", "child"), {"whale"}),
        (filtered("=", "dog", "code"), {"dog"}),
        (filtered("=", "4", "legs"), {"dog"}),
        (filtered("=", "true", "sea"), {"whale"}),
        (filtered("exists", "true", "legs"), {"dog"}),
        (filtered("exists", "false", "legs"), set(ALL) - {"dog"}),
        (filtered("in", "dog, bird", "code"), {"dog", "bird"}),
        (filtered("not-in", "dog,bird", "code"), set(ALL) - {"dog", "bird"}),
        (filtered("regex", "[a-m].*", "code"), {"mammal", "dog", "bird"}),
        (filtered("is-a", "plant"), set()),
    ],
)
def test_rules(rule: Resource, expected: set[str]) -> None:
    assert animals(run(including(rule))) == expected


def test_filters_of_one_rule_all_hold() -> None:
    rule = filtered("is-a", "mammal")
    rule["filter"].append({"property": "legs", "op": "exists", "value": "true"})
    assert animals(run(including(rule))) == {"dog"}


def test_includes_join_and_excludes_take_away() -> None:
    value_set = including(
        filtered("is-a", "whale"),
        {"system": "urn:animals", "concept": [{"code": "dog"}]},
        exclude=[{"system": "urn:animals", "concept": [{"code": "orca"}]}],
    )
    assert animals(run(value_set)) == {"whale", "dog"}


def test_inactive_false_leaves_retired_codes_out() -> None:
    rule = {"system": "urn:animals"}
    assert "bird" in animals(run(including(rule, inactive=True)))
    assert "bird" not in animals(run(including(rule, inactive=False)))


def test_value_sets_and_system_of_one_rule_intersect() -> None:
    whales = {"url": "urn:whales", **including(filtered("is-a", "whale"))}
    pets = {"system": "urn:animals", "concept": [{"code": "dog"}, {"code": "orca"}]}
    both = including({**pets, "valueSet": ["urn:whales|2.0"]})
    assert animals(run(both, whales)) == {"orca"}


def test_unknown_content_leaves_the_listed_codes_and_says_so() -> None:
    dog = {"system": "urn:animals", "concept": [{"code": "dog"}]}
    for unknown in (
        {"system": "http://snomed.info/sct"},
        {"valueSet": ["urn:none"]},
        filtered("magic", "x"),
        filtered("is-a", "plant", system="urn:part"),
    ):
        found = run(including(dog, unknown))
        assert found == Expansion((("urn:animals", "dog"),), complete=False)


def test_an_exclude_that_cannot_be_decided_keeps_the_code_out_and_says_so() -> None:
    found = run(including({"system": "urn:animals"}, exclude=[{"valueSet": ["urn:none"]}]))
    assert found == Expansion((), complete=False)


def test_circles_of_references_end() -> None:
    dog = {"system": "urn:animals", "concept": [{"code": "dog"}]}
    first = {"url": "urn:1", **including(dog, {"valueSet": ["urn:2"]})}
    second = {"url": "urn:2", **including({"valueSet": ["urn:1"]})}
    found = run(first, first, second)
    assert found == Expansion((("urn:animals", "dog"),), complete=False)


def test_shared_references_are_worked_out_once() -> None:
    last = {"url": "urn:24", **including({"system": "urn:animals"})}
    chain = [
        {"url": f"urn:{n}", **including(*[{"valueSet": [f"urn:{n + 1}"]}] * 2)} for n in range(24)
    ]
    start = time.process_time()
    assert animals(run(chain[0], *chain, last)) == set(ALL)
    assert time.process_time() - start < 1  # 2**24 paths would take minutes


def test_long_chains_of_references_are_not_followed_to_the_end() -> None:
    chain = [{"url": f"urn:{n}", **including({"valueSet": [f"urn:{n + 1}"]})} for n in range(5000)]
    assert run(chain[0], *chain) == Expansion((), complete=False)


def test_too_many_codes() -> None:
    found = run(including({"system": "urn:animals"}), limit=2)
    assert found.over_limit
    assert not found.complete
    assert len(found.codes) == 2


@pytest.mark.parametrize("pattern", ["(a+)+b", "a*a*a*a*b", "(a|a)" * 20 + "b", "a?" * 40, "["])
def test_patterns_that_could_run_away_are_not_decided(pattern: str) -> None:
    system = {"url": "urn:a", "content": "complete", "concept": [{"code": "a" * 60}]}
    found = run(including(filtered("regex", pattern, "code", "urn:a")), systems=(system,))
    assert found == Expansion((), complete=False)


def test_expansion_answers_where_compose_cannot() -> None:
    contains = [
        {"system": "urn:x", "abstract": True, "code": "group",
         "contains": [{"system": "urn:x", "code": "1"}]},
        {"display": "heading", "contains": [{"system": "urn:x", "code": "2"}]},
    ]  # fmt: skip
    expansion = {"timestamp": "2020-01-01", "contains": contains}
    pairs = (("urn:x", "1"), ("urn:x", "2"))
    assert run({"expansion": expansion}) == Expansion(pairs, complete=True)
    unknown = {**including({"system": "urn:x"}), "expansion": expansion}
    assert run(unknown) == Expansion(pairs, complete=True)
    known = {**including({"system": "urn:animals"}), "expansion": expansion}
    assert animals(run(known)) == set(ALL)
    assert not run({"expansion": {**expansion, "total": 900}}).complete


def test_a_value_set_without_definition_is_not_known() -> None:
    assert run({"resourceType": "ValueSet"}) == Expansion((), complete=False)


def test_built_in_content_resolves_references() -> None:
    value_set = including(
        {"valueSet": ["http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1"]}
    )
    found = expand(
        value_set,
        resolve_value_set=builtin_value_set,
        resolve_code_system=builtin_code_system,
    )
    assert animals(found) == {"male", "female", "other", "unknown"}


def test_sets_that_cannot_be_listed_can_be_asked() -> None:
    value_set = including({"system": "http://unitsofmeasure.org"})
    assert not run(value_set).complete
    for code, expected in (("mg", True), ("milligram", False)):
        for system in ("http://unitsofmeasure.org", None):
            answer = is_member(
                value_set,
                system,
                code,
                resolve_value_set=builtin_value_set,
                resolve_code_system=builtin_code_system,
            )
            assert answer is expected


def test_case_follows_the_code_system() -> None:
    system = {
        "url": "urn:c",
        "caseSensitive": False,
        "content": "complete",
        "concept": [{"code": "A"}],
    }
    for rule in ({"system": "urn:c"}, {"system": "urn:c", "concept": [{"code": "A"}]}):
        assert is_member(
            including(rule), "urn:c", "a",
            resolve_value_set=builtin_value_set, resolve_code_system={"urn:c": system}.get,
        )  # fmt: skip


CODES = st.sampled_from([*ALL, "none"])
FILTERS = st.builds(
    filtered,
    st.sampled_from(
        ["is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "in", "regex"]
    ),
    CODES,
    system=st.sampled_from(["urn:animals", "urn:part", "urn:unknown"]),
)
LISTS = st.builds(
    lambda names: {"system": "urn:animals", "concept": [{"code": name} for name in names]},
    st.lists(CODES, min_size=1, max_size=3),
)
REFERENCES = st.just({"valueSet": ["urn:whales"]}) | st.just({"valueSet": ["urn:none"]})
RULES = st.lists(FILTERS | LISTS | REFERENCES, max_size=3)


@given(st.lists(FILTERS | LISTS | REFERENCES, min_size=1, max_size=3), RULES)
def test_listing_and_asking_agree(include: list[Resource], exclude: list[Resource]) -> None:
    whales = {"url": "urn:whales", **including(filtered("is-a", "whale"))}
    value_set = including(*include, exclude=exclude)
    found = run(value_set, whales)
    known = {"urn:animals": ANIMALS, "urn:part": PART}
    for system in ("urn:animals", "urn:part", "urn:unknown"):
        for code in (*ALL, "none"):
            answer = is_member(
                value_set,
                system,
                code,
                resolve_value_set={"urn:whales": whales}.get,
                resolve_code_system=known.get,
            )
            assert (answer is True) == ((system, code) in found.codes)
            if found.complete:
                assert answer is not None
