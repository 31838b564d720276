from __future__ import annotations

import pytest

from pipelines.alerts import Alert, Severity, evaluate
from pipelines.note.rules import facts_of
from pipelines.ports import Chart, ChartEntry, Role, Segment

D, P = Role.DOCTOR, Role.PATIENT
PENICILLIN = Chart(allergies=(ChartEntry("AllergyIntolerance/a", "Allergy to penicillin"),))


def alerts(*turns: tuple[Role, str], chart: Chart | None = None) -> tuple[Alert, ...]:
    segments = [
        Segment(f"s{at}", 0, role, float(at), at + 1.0, text, 0.9)
        for at, (role, text) in enumerate(turns, start=1)
    ]
    return evaluate(facts_of(segments), chart or Chart())


def keys(*turns: tuple[Role, str], chart: Chart | None = None) -> list[str]:
    return [alert.key for alert in alerts(*turns, chart=chart)]


def test_prescription_against_the_chart() -> None:
    (alert,) = alerts((D, "I'll prescribe amoxicillin 500 mg."), chart=PENICILLIN)
    assert alert.key == "drug-allergy:amoxicillin:penicillin"
    assert alert.severity is Severity.HIGH
    assert alert.implicated == ("AllergyIntolerance/a",)
    assert alert.evidence == ("s1",)
    assert alert.source


def test_prescription_against_an_allergy_just_stated() -> None:
    turns = [(P, "I'm allergic to penicillin."), (D, "I'll prescribe amoxicillin 500 mg.")]
    (alert,) = alerts(*turns)
    assert alert.key == "drug-allergy:amoxicillin:penicillin"
    assert alert.implicated == ()
    assert set(alert.evidence) == {"s1", "s2"}


@pytest.mark.parametrize(
    "said",
    [
        "We'll avoid amoxicillin because of that.",
        "If you had no allergy, I could give you amoxicillin.",
        "I'll prescribe doxycycline 100 mg instead of amoxicillin.",
        "Have you ever had amoxicillin?",
    ],
)
def test_a_drug_not_given_raises_nothing(said: str) -> None:
    assert keys((D, said), chart=PENICILLIN) == []


RED_FLAGS = {
    "chest-pain": "I get chest pain when I climb the stairs.",
    "thunderclap-headache": "It's the worst headache of my life.",
    "meningism": "I have a fever, a stiff neck and a headache.",
    "cauda-equina": "My back hurts and I'm numb between my legs.",
    "stroke": "My face is drooping and my speech is slurred.",
    "gi-bleed": "I've had black tarry stools.",
    "anaphylaxis": "I have hives and I'm wheezing.",
    "haemoptysis": "I've been coughing up blood.",
    "pulmonary-embolism": "I'm short of breath and my calf is swollen.",
    "suicidal-thoughts": "I've been thinking I want to die.",
    "ectopic-pregnancy": "I have stomach pain and I missed my period.",
    "testicular-torsion": "All of a sudden my testicle hurts.",
    "sudden-vision-loss": "I lost vision in my left eye.",
    "weight-loss-night-sweats": "I'm losing weight and I have night sweats.",
    "exertional-syncope": "I fainted while walking uphill.",
}


@pytest.mark.parametrize(("rule", "said"), RED_FLAGS.items())
def test_red_flags(rule: str, said: str) -> None:
    assert f"red-flag:{rule}" in keys((P, said))


@pytest.mark.parametrize("said", RED_FLAGS.values())
def test_a_relatives_red_flag_raises_nothing(said: str) -> None:
    third = said.replace("I've", "he has").replace("I'm", "he is").replace("I ", "he ")
    assert (
        keys((P, f"My brother said: {third.replace('my ', 'his ').replace('My ', 'his ')}")) == []
    )


@pytest.mark.parametrize(
    "turns",
    [
        [(P, "I have chest pain.")],
        [(P, "No chest pain or shortness of breath.")],
        [(D, "Any chest pain or shortness of breath?"), (P, "No.")],
        [(D, "Any chest pain, sweating, slurred speech or black stools?")],
        [(D, "If you have chest pain with sweating, call us.")],
        [(P, "My father had chest pain and sweating.")],
        [(P, "I get chest pain."), (P, "My knee hurts when I climb the stairs.")],
        [(D, "Any thoughts of harming yourself?"), (P, "No, nothing like that.")],
        [(P, "My headache came on slowly.")],
    ],
)
def test_nothing_is_raised(turns: list[tuple[Role, str]]) -> None:
    assert keys(*turns) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Your blood pressure is 182 over 112.", ["vital-sign:hypertensive-crisis"]),
        ("Your blood pressure is 150 over 122.", ["vital-sign:hypertensive-crisis"]),
        ("Your blood pressure is 179 over 100.", ["vital-sign:hypertension-stage-2"]),
        ("Your blood pressure is 120 over 80.", []),
        ("Your blood pressure is 88 over 60.", ["vital-sign:hypotension"]),
        ("Your oxygen is 91 percent.", ["vital-sign:hypoxia"]),
        ("Your oxygen is 92 percent.", ["vital-sign:hypoxia-moderate"]),
        ("Your oxygen is 96 percent.", []),
        ("Heart rate is 131.", ["vital-sign:tachycardia"]),
        ("Heart rate is 130.", ["vital-sign:tachycardia-moderate"]),
        ("Heart rate is 110.", []),
        ("Respiratory rate of 25.", ["vital-sign:tachypnoea"]),
        ("Temperature is 39.1.", ["vital-sign:high-fever"]),
        ("Temperature is 98.6.", []),
        ("We want your pressure below 180 over 110.", []),
    ],
)
def test_vital_sign_limits(said: str, expected: list[str]) -> None:
    assert keys((D, said)) == expected


def test_interaction_and_duplicate_with_the_chart() -> None:
    chart = Chart(
        medications=(
            ChartEntry("MedicationRequest/w", "Warfarin 5 MG Oral Tablet"),
            ChartEntry("MedicationRequest/n", "Naproxen 500 MG"),
        )
    )
    found = keys((D, "I'll prescribe ibuprofen 400 mg."), chart=chart)
    assert found == ["drug-drug:ibuprofen:warfarin", "duplicate-therapy:ibuprofen:naproxen"]


def test_charted_pairs_alone_raise_nothing() -> None:
    chart = Chart(medications=(ChartEntry("a/1", "warfarin"), ChartEntry("a/2", "ibuprofen")))
    assert alerts((P, "Hello."), chart=chart) == ()


def test_repeating_and_adding_changes_no_key() -> None:
    turns = [(P, "I get chest pain when I climb the stairs."), (D, "I'll prescribe amoxicillin.")]
    before = alerts(*turns, chart=PENICILLIN)
    assert alerts(*turns, chart=PENICILLIN) == before
    more = alerts(*turns, (P, "I have chest pain on exertion."), (P, "Thanks."), chart=PENICILLIN)
    assert [alert.key for alert in more] == [alert.key for alert in before]
    assert all(alert.evidence for alert in more)
