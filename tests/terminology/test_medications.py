from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.allergens import allergens_in, conflict
from terminology.interactions import duplicated_class, interaction
from terminology.medications import find_medications, medication, names_in
from terminology.words import words
from tests.shared_data import shared


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("I take Zestril every day", "lisinopril"),
        ("I take lies in a preel 10 milligrams once a day", "lisinopril"),
        ("I'm taking lies in a Pearl, 10 mg", "lisinopril"),
        ("this in April 20 milligrams", "lisinopril"),
        ("taking lysinopril", "lisinopril"),
        ("I'm going to prescribe a Marxist in 500 milligrams", "amoxicillin"),
        ("start you on the oxisill in 500 milligrams", "amoxicillin"),
        ("prescribe o'moxicillin", "amoxicillin"),
        ("I am allergic to pen a sillin", "penicillin"),
        ("allergic to penicilline", "penicillin"),
        ("I take met for men twice a day", "metformin"),
        ("put you on sir tralene 50 milligrams", "sertraline"),
        ("Augmentin for a week", "amoxicillin-clavulanate"),
    ],
)
def test_names_and_garbled_names(said: str, name: str) -> None:
    assert names_in(said) == {name}


@pytest.mark.parametrize(
    "said",
    [
        "I took it on a walk in the morning",
        "I noticed this in April",
        "my story is on the list",
        "take a listen to your heart",
        "we have you on the list at 50 milligrams",
        "a lot of men met for lunch",
        "let's increase to 5 milligrams",
        "we'll decrease that to 10 milligrams",
        "change it to 10 milligrams",
    ],
)
def test_ordinary_speech_names_no_drug(said: str) -> None:
    assert names_in(said) == frozenset()


@pytest.mark.parametrize("salt", ["besylate", "succinate", "hydrochloride", "potassium"])
def test_a_salt_is_no_drug_of_its_own(salt: str) -> None:
    assert names_in(f"I take metoprolol {salt} 25 milligrams") == {"metoprolol"}


def test_a_garbled_name_is_marked() -> None:
    (mention,) = find_medications(words("prescribe a Marxist in 500 milligrams"))
    assert mention.heard_as == "a marxist in"
    assert mention.confidence < 1
    (plain,) = find_medications(words("prescribe amoxicillin 500 milligrams"))
    assert plain.heard_as is None
    assert plain.confidence == 1


@given(st.text())
def test_any_text_is_read_and_places_are_true(text: str) -> None:
    for mention in find_medications(words(text)):
        assert 0 <= mention.start < mention.end <= len(text)


def test_garbled_names_are_rare_in_ordinary_dialogues() -> None:
    """The visits kept out of the ordinary-word list: at most one false name in 20,000 words."""
    path = shared("dialogues/aci-bench/valid.csv")
    with path.open(encoding="utf-8") as file:
        texts = [row["dialogue"] for row in csv.DictReader(file)]
    heard = [m for text in texts for m in find_medications(words(text)) if m.heard_as]
    assert len(heard) <= sum(len(text.split()) for text in texts) / 20_000


@pytest.mark.parametrize(
    ("drug", "allergy", "severity"),
    [
        ("amoxicillin", "Allergy to penicillin", "high"),
        ("amoxicillin", "Penicillin V (reaction: hives)", "high"),
        ("amoxicillin-clavulanate", "amoxicillin", "high"),
        ("cephalexin", "penicillin", "moderate"),
        ("ceftriaxone", "penicillin", "low"),
        ("trimethoprim-sulfamethoxazole", "Sulfa drugs", "high"),
        ("ibuprofen", "aspirin", "high"),
        ("furosemide", "Sulfa", None),
        ("azithromycin", "penicillin", None),
        ("amoxicillin", "peanuts", None),
        ("meropenem", "penicillin", None),
    ],
)
def test_drug_against_allergy(drug: str, allergy: str, severity: str | None) -> None:
    known = medication(drug)
    assert known is not None
    names = allergens_in(allergy)
    assert names
    found = [conflict(known, name) for name in names]
    assert [each.severity for each in found if each] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("a", "b", "interacts", "shared_class"),
    [
        ("sertraline", "phenelzine", True, None),
        ("simvastatin", "clarithromycin", True, None),
        ("warfarin", "ibuprofen", True, None),
        ("ibuprofen", "naproxen", False, "nsaid"),
        ("aspirin", "ibuprofen", False, None),
        ("lisinopril", "metformin", False, None),
    ],
)
def test_pairs(a: str, b: str, interacts: bool, shared_class: str | None) -> None:
    one, other = medication(a), medication(b)
    assert one is not None
    assert other is not None
    assert (interaction(one, other) is not None) is interacts
    assert (interaction(other, one) is not None) is interacts
    assert duplicated_class(one, other) == shared_class
