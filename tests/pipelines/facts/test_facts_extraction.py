from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.facts import Experiencer, Fact, FactKind, MedicationStatus, extract
from pipelines.ports import Role, Segment

D, P, U = Role.DOCTOR, Role.PATIENT, Role.UNKNOWN


def conversation(*turns: tuple[Role, str]) -> list[Fact]:
    segments = [
        Segment(f"s{at}", 0, role, float(at), at + 1.0, text, 0.9)
        for at, (role, text) in enumerate(turns, start=1)
    ]
    return [f for at, s in enumerate(segments) for f in extract(s, segments[:at])]


def findings(*turns: tuple[Role, str]) -> dict[str, bool]:
    """Name of each finding and whether it is asserted of the patient."""
    return {
        fact.name: fact.asserted
        for fact in conversation(*turns)
        if fact.kind in (FactKind.SYMPTOM, FactKind.CONDITION, FactKind.FEATURE)
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("I have chest pain.", {"chest pain": True}),
        ("He denies chest pain.", {"chest pain": False}),
        (
            "No fever, chills or night sweats.",
            {"fever": False, "chills": False, "night sweats": False},
        ),
        ("I haven't had any fever.", {"fever": False}),
        ("I did n't have a cough", {"cough": False}),
        ("I've been well without any nausea.", {"nausea": False}),
        ("No fever but I do have a cough.", {"fever": False, "cough": True}),
        ("I don't have a cough, but my throat hurts.", {"cough": False, "sore throat": True}),
        ("The cough isn't going away.", {"cough": True}),
        ("I can't breathe.", {"shortness of breath": True}),
        ("My father had a heart attack.", {"heart attack": False}),
        ("Diabetes runs in the family.", {"diabetes": False}),
        ("My wife says I have been confused.", {"confusion": True}),
        ("My mom has asthma and I have a cough.", {"asthma": False, "cough": True}),
        ("I'm worried about a stroke.", {"stroke": False}),
        ("nothing special today", {}),
    ],
)
def test_patient_statements(said: str, expected: dict[str, bool]) -> None:
    assert findings((P, said)) == expected


@pytest.mark.parametrize(
    "said",
    [
        "Any chest pain?",
        "any chest pain",
        "Okay, so do you have chest pain",
        "that is great have you had any chest pain",
        "If you get chest pain, call an ambulance.",
        "Chest pain?",
    ],
)
def test_a_doctors_question_or_warning_asserts_nothing(said: str) -> None:
    assert not any(findings((D, said)).values())


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Any chest pain or fever?", "No.", {"chest pain": False, "fever": False}),
        ("Any chest pain?", "No, nothing like that.", {"chest pain": False}),
        ("Do you have a cough?", "Yes.", {"cough": True}),
        ("Do you have a cough?", "Yeah, for about two weeks.", {"cough": True}),
        ("Any cough or fever?", "Yes.", {}),
        ("Any cough or fever?", "No fever.", {"fever": False}),
        ("Any cough or fever?", "No, just a cough.", {"cough": True, "fever": False}),
        ("No chest pain?", "Yes.", {}),
        ("How are you?", "No complaints.", {}),
    ],
)
@pytest.mark.parametrize("roles", [(D, P), (U, U)])
def test_answers(
    question: str, answer: str, expected: dict[str, bool], roles: tuple[Role, Role]
) -> None:
    assert findings((roles[0], question), (roles[1], answer)) == expected


def test_an_answer_rests_on_question_and_answer() -> None:
    (fact,) = conversation((D, "Any fever?"), (P, "No."))
    assert fact.evidence == ("s1", "s2")
    assert fact.segment_id == "s2"


def test_question_and_answer_in_one_segment() -> None:
    said = "Any numbness between your legs? No. Have you passed out? Yes."
    assert findings((U, said)) == {"saddle numbness": False, "fainting": True}


def test_ones_own_question_is_not_answered_by_oneself_later() -> None:
    assert findings((D, "Any fever?"), (D, "No.")) == {}


def test_family_history_names_the_relative() -> None:
    (fact,) = conversation((P, "My father had a heart attack at 55."))
    assert fact.experiencer is Experiencer.FAMILY
    assert fact.detail == "father"


def test_duration_in_digits() -> None:
    (fact,) = conversation((P, "I've had a cough for three weeks."))
    assert fact.duration == "3 weeks"


@pytest.mark.parametrize(
    ("role", "said", "name", "status", "detail", "negated"),
    [
        (P, "I take lisinopril 10 milligrams once a day.", "lisinopril",
         MedicationStatus.TAKING, "10 mg once a day", False),
        (D, "I'm going to prescribe amoxicillin 500 mg three times a day.", "amoxicillin",
         MedicationStatus.PRESCRIBED, "500 mg 3 times a day", False),
        (D, "amoxicillin 500 mg three times a day for seven days", "amoxicillin",
         MedicationStatus.PRESCRIBED, "500 mg 3 times a day", False),
        (P, "I stopped taking aspirin.", "aspirin", MedicationStatus.STOPPED, None, False),
        (P, "I don't take ibuprofen.", "ibuprofen", MedicationStatus.MENTIONED, None, True),
        (D, "We will avoid amoxicillin.", "amoxicillin", MedicationStatus.MENTIONED, None, True),
    ],
)  # fmt: skip
def test_medications(
    role: Role, said: str, name: str, status: MedicationStatus, detail: str | None, negated: bool
) -> None:
    (fact,) = conversation((role, said))
    assert (fact.kind, fact.name) == (FactKind.MEDICATION, name)
    assert (fact.status if not negated else status, fact.detail) == (status, detail)
    assert fact.negated is negated


def test_medication_list_as_an_answer() -> None:
    facts = conversation((D, "What medications do you take?"), (P, "Lisinopril and metformin."))
    assert [(f.name, f.status) for f in facts] == [
        ("lisinopril", MedicationStatus.TAKING),
        ("metformin", MedicationStatus.TAKING),
    ]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([(P, "I'm allergic to penicillin.")], [("penicillin", True)]),
        ([(P, "I have a penicillin allergy.")], [("penicillin", True)]),
        ([(P, "Penicillin gave me a rash.")], [("penicillin", True)]),
        ([(P, "I'm not allergic to penicillin.")], [("penicillin", False)]),
        ([(D, "No known drug allergies.")], [("any", False)]),
        ([(D, "Any allergies?"), (P, "No.")], [("any", False)]),
        ([(D, "Any allergies?"), (P, "Penicillin.")], [("penicillin", True)]),
        ([(D, "Are you allergic to anything?"), (P, "Yes, sulfa drugs.")],
         [("sulfonamide antibiotics", True)]),
        ([(P, "My sister is allergic to penicillin.")], [("penicillin", False)]),
    ],
)  # fmt: skip
def test_allergies(turns: list[tuple[Role, str]], expected: list[tuple[str, bool]]) -> None:
    facts = [fact for fact in conversation(*turns) if fact.kind is FactKind.ALLERGY]
    assert [(fact.name, fact.asserted) for fact in facts] == expected


def test_an_allergy_does_not_hide_the_prescription_beside_it() -> None:
    said = "Because of your penicillin allergy I'll start you on doxycycline 100 mg."
    facts = {fact.name: fact for fact in conversation((D, said))}
    assert facts["penicillin"].kind is FactKind.ALLERGY
    assert facts["doxycycline"].status is MedicationStatus.PRESCRIBED


def test_a_reaction_is_no_symptom_of_today() -> None:
    facts = conversation((D, "Any allergies?"), (P, "Yes, penicillin. It gave me hives."))
    assert [(fact.kind, fact.detail) for fact in facts] == [(FactKind.ALLERGY, "hives")]


@given(st.lists(st.tuples(st.sampled_from([D, P, U]), st.text()), max_size=4))
def test_any_text_is_read(turns: list[tuple[Role, str]]) -> None:
    for fact in conversation(*turns):
        assert fact.evidence


CLINICAL = st.lists(
    st.sampled_from(
        ["no", "any", "chest pain", "fever", ".", "?", "but", "I take", "lisinopril", "my mother",
         "180 over 110", "allergic to", "penicillin", "yes", ",", "if you", "mg", "ten", "have"]
    ),
    max_size=20,
).map(" ".join)  # fmt: skip


@given(CLINICAL, CLINICAL)
def test_clinical_word_salad_is_read(one: str, two: str) -> None:
    for fact in conversation((D, one), (P, two)):
        assert set(fact.evidence) <= {"s1", "s2"}


@given(st.sampled_from(["chest pain", "fever", "cough", "slurred speech", "black stools"]))
def test_denial_is_never_assertion(symptom: str) -> None:
    for said in (f"no {symptom}", f"denies {symptom}", f"I don't have any {symptom}"):
        assert not any(findings((P, said)).values())
