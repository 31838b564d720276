from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.facts.numbers import numbers_in, with_digits
from pipelines.facts.vitals import readings

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
         "eighteen", "nineteen"]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spoken(number: int, joiner: str) -> str:
    if number < 20:
        return UNITS[number]
    if number < 100:
        rest = f"-{UNITS[number % 10]}" if number % 10 else ""
        return TENS[number // 10 - 2] + rest
    size, word = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = f"{joiner}{spoken(number % size, joiner)}" if number % size else ""
    return f"{spoken(number // size, joiner)} {word}{rest}"


@given(st.integers(0, 999_999), st.sampled_from([" ", " and "]))
def test_round_trip(number: int, joiner: str) -> None:
    assert with_digits(spoken(number, joiner)) == str(number)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    with_digits(text)
    readings(text)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("one eighty two over one twelve", ["182", "112"]),
        ("one hundred and eighty over ninety", ["180", "90"]),
        ("one oh two", ["102"]),
        ("ninety-eight point six", ["98.6"]),
        ("98.6 and 5", ["98.6", "5"]),
        ("someone often", []),
        ("a hundred and two point one", ["102.1"]),
        ("a thousand", ["1000"]),
        ("nineteen ninety eight", ["1998"]),
        ("nineteen over ninety", ["19", "90"]),
    ],
)
def test_clipped_speech(said: str, expected: list[str]) -> None:
    assert numbers_in(said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Your blood pressure is 180 over 110.", [("blood pressure", (180, 110))]),
        ("BP 145/92 today", [("blood pressure", (145, 92))]),
        ("It's one eighty two over one hundred and twelve.", [("blood pressure", (182, 112))]),
        ("Heart rate is eighty eight.", [("heart rate", (88,))]),
        ("Your oxygen is 88 percent", [("oxygen saturation", (88,))]),
        ("pulse ox 97%", [("oxygen saturation", (97,))]),
        ("Temperature 101.2", [("temperature", (101.2,))]),
        ("temp of thirty nine point four", [("temperature", (39.4,))]),
        ("respiratory rate of 24", [("respiratory rate", (24,))]),
        ("You weigh 180 pounds", [("weight", (180,))]),
        ("blood sugar was 320 this morning", [("glucose", (320,))]),
        ("open 24/7", []),
        ("lisinopril for blood pressure 20 mg", []),
        ("it came out to 20/20 vision", []),
    ],
)
def test_vital_signs(said: str, expected: list[tuple[str, tuple[float, ...]]]) -> None:
    found = [(r.name, tuple(q.value for q in r.values)) for r in readings(said)]
    assert found == expected


def test_a_goal_is_not_a_reading() -> None:
    (goal,) = readings("We want it below 130 over 80.")
    assert not goal.current


def test_units_of_temperature() -> None:
    assert readings("temperature 38.5")[0].values[0].unit == "Cel"
    assert readings("temperature 101.5")[0].values[0].unit == "[degF]"
