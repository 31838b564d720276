"""SMART scopes: what is one, what it permits, and what covers what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.auth.scopes import Grant, grant, grants, in_order, is_within, permits

LETTERS = st.lists(st.booleans(), min_size=5, max_size=5).map(
    lambda chosen: "".join(c for c, there in zip("cruds", chosen, strict=True) if there)
)
LEVELS = st.sampled_from(["patient", "user", "system"])
TYPES = st.sampled_from(["*", "Patient", "Observation", "Encounter"])
QUERIES = st.sampled_from(["", "?category=lab", "?category=lab&status=final", "?status=final"])


@given(LEVELS, TYPES, LETTERS, QUERIES)
def test_version_2(level: str, type: str, letters: str, query: str) -> None:
    found = grant(f"{level}/{type}.{letters}{query}")
    if letters:
        assert found is not None
        assert (found.level, found.type, found.letters) == (level, type, letters)
        assert "&".join(f"{k}={v}" for k, v in found.query) == query[1:]
    else:
        assert found is None


@pytest.mark.parametrize(
    ("scope", "letters"),
    [("user/*.read", "rs"), ("patient/Patient.write", "cud"), ("system/Encounter.*", "cruds")],
)
def test_version_1(scope: str, letters: str) -> None:
    found = grant(scope)
    assert found is not None
    assert found.letters == letters


@pytest.mark.parametrize(
    "scope",
    [
        "patient/Observation.dus",  # out of order
        "patient/Observation.rr",
        "patient/Observation.",
        "patient/Nonsense.r",
        "patient/observation.r",
        "patients/Observation.r",
        "patient/Observation.read?category=lab",
        "patient/Observation.rs?",
        "patient/*.r*",
        "launch/patient",
        "openid",
        "",
    ],
)
def test_what_is_no_resource_scope(scope: str) -> None:
    assert grant(scope) is None
    assert not permits(scope, "Observation", "r")


@given(st.text(max_size=60))
def test_anything_is_read_or_left(text: str) -> None:
    assert all(isinstance(one, Grant) for one in grants(text))


@given(LEVELS, TYPES, LETTERS, QUERIES, LEVELS, TYPES, LETTERS, QUERIES)
def test_what_is_covered_permits_no_more(
    level: str, type: str, letters: str, query: str, l2: str, t2: str, letters2: str, q2: str
) -> None:
    wide, narrow = f"{level}/{type}.{letters}{query}", f"{l2}/{t2}.{letters2}{q2}"
    if letters2 and is_within(narrow, [wide]):
        assert l2 == level
        for one in ("Patient", "Observation"):
            for letter in "cruds":
                assert permits(wide, one, letter) or not permits(narrow, one, letter)


def test_a_scope_with_a_query_does_not_cover_one_without() -> None:
    assert not is_within("user/Observation.rs", ["user/Observation.rs?category=lab"])
    assert is_within("user/Observation.r?category=lab", ["user/Observation.rs"])
    assert is_within("openid", ["openid", "user/*.rs"])
    assert not is_within("fhirUser", ["openid"])


def test_repeated_scopes_count_once() -> None:
    assert in_order(["launch", "openid", "launch"]) == ("launch", "openid")
