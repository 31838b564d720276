"""What is refused as a password, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.auth.identity.password_policy import (
    WeakPassword,
    common_passwords,
    require_strong,
)

ABOUT = ("adams", "Dr Judith Adams", "judith.adams@clinic.example")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12"),
        ("x" * 300, "at most 256"),
        ("aaaaaaaaaaaaaaa", "simple pattern"),
        ("abcdefghijklmnop", "simple pattern"),
        ("abcabcabcabcabc", "simple pattern"),
        ("correct1correct1", "simple pattern"),
        ("1q2w3e4r5t6y", "many people use"),
        ("Sonyericsson", "many people use"),
        ("password123456", "many people use"),
        ("!!Superman2026", "many people use"),
        ("AdamsJudith2026", "your name"),
        ("aimed-hospital-1", "your name"),
    ],
)
def test_weak(password: str, why: str) -> None:
    with pytest.raises(WeakPassword, match=why) as refused:
        require_strong(password, about=ABOUT)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "violet tractor mumbles",
        "kühle Drähte am Morgen",
        "judith likes seventeen herons",
        "9f2b71c04d88",
        "x7" * 20 + "tail of another kind",
    ],
)
def test_strong(password: str) -> None:
    require_strong(password, about=ABOUT)


@given(st.sampled_from(sorted(common_passwords())), st.text("0123456789!?", max_size=8))
def test_no_common_password_passes_with_padding(password: str, padding: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(password + padding)


@given(st.text(max_size=400), st.lists(st.text(max_size=30), max_size=4))
def test_anything_is_judged(password: str, about: list[str]) -> None:
    try:
        require_strong(password, about=about)
    except WeakPassword:
        return
    assert 12 <= len(password) <= 256
