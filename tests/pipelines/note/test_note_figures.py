"""Figures, spans and results: said in other words they stand, said otherwise they do not."""

from __future__ import annotations

import pytest

from pipelines.note.checks import verify
from pipelines.note.sections import OBJECTIVE, PLAN, SUBJECTIVE, Section
from pipelines.ports import Chart, NoteDraft, NoteSentence, Role
from tests.pipelines.note.test_note_checks import spoken


def doubts(
    said: str, text: str, section: Section = SUBJECTIVE, *, chart: Chart | None = None
) -> tuple[str, ...] | None:
    """What a clinician is told to check, None when the sentence is left out."""
    role = Role.PATIENT if section is SUBJECTIVE else Role.DOCTOR
    proposed = NoteDraft({section.code: (NoteSentence("x", text, ("s1",)),)})
    kept = verify(proposed, spoken([(role, said)]), chart or Chart()).sections.get(section.code)
    return kept[0].doubts if kept else None


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("I've had a cough for a fortnight.", "Cough for 14 days."),
        ("I've had a cough for two weeks.", "Cough for 14 days."),
        ("I've had a cough for fourteen days.", "Cough for 2 weeks."),
        ("I've had a cough for a week.", "Cough for 7 days."),
        ("It began 24 hours ago, the cough.", "Cough for 1 day."),
        ("I've had it a year and a half, the cough.", "Cough for 1.5 years."),
        ("I've had it a year and a half, the cough.", "Cough for 18 months."),
        ("The cough began couple weeks ago.", "Cough 2 weeks ago."),
        ("I've had the cough for a few days.", "Cough for several days."),
        ("I smoke a pack and a half a day.", "Smokes 1.5 packs per day."),
        ("My sugars are in the one twenties.", "Blood sugars in the 120s."),
        ("I had the stent in twenty eighteen.", "Stent in 2018."),
        ("Pain is four out of ten.", "Pain 4/10."),
        ("I'd say the pain is four of ten for ten days.", "Pain 4/10 for 10 days."),
        (
            "I take lisinopril 10 milligrams every morning, and rest one week in two.",
            "Takes lisinopril 10 mg once daily.",
        ),
        ("I take some over the counter.", "Takes OTC."),
        ("No fever, some chills.", "Chills."),
        ("no fever some chills", "Chills."),
    ],
)
def test_the_same_in_other_words_stands(said: str, text: str) -> None:
    assert doubts(said, text) == ()


@pytest.mark.parametrize(
    ("said", "text", "section"),
    [
        ("Your A1c is seven point two.", "HbA1c 7.2%.", OBJECTIVE),
        ("Your a one c is seven point two.", "A1c 7.2.", OBJECTIVE),
        ("Your haemoglobin A1c is 7.2.", "Hgb A1c of 7.2%.", OBJECTIVE),
        ("Your A1c was 9.8 last year and is 7.2 now.", "A1c 7.2, previously 9.8.", OBJECTIVE),
        ("9.8 was your A1c.", "A1c 9.8.", OBJECTIVE),
        ("Potassium is 3.9 and creatinine is 0.7.", "K: potassium 3.9, creatinine 0.7.", OBJECTIVE),
        ("Good cholesterol was 44. The bad was 153.", "HDL 44, LDL 153 mg/dL.", None),
        ("Your BP is 140 over 90.", "Blood pressure 140/90.", OBJECTIVE),
        ("There is a stone of point five centimeters.", "Stone of 0.5 cm.", OBJECTIVE),
        ("The second metatarsal is displaced.", "2nd metatarsal displaced.", OBJECTIVE),
        ("Take metformin 500 milligrams b i d.", "Metformin 500 mg twice daily.", PLAN),
        (
            "Take metformin 500 milligrams in the morning and in the evening.",
            "Metformin 500 mg BID.",
            PLAN,
        ),
        ("Come back here next week.", "Come back in 1 week.", PLAN),
    ],
)
def test_the_doctors_figures_stand_too(said: str, text: str, section: Section | None) -> None:
    if section is None:
        assert doubts(said, text, OBJECTIVE) is not None
    else:
        assert doubts(said, text, section) == ()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Pain is four out of ten.", "Pain 10/4."),
        ("The pain is 4 of 10 for 10 days.", "Pain 10/10 for 4 days."),
        ("The pain is 4 of 10 for 10 days.", "Pain for 4 days."),
        ("The pain is 4 of 10 for 10 days.", "Pain 10/10."),
        ("I've had the cough for several days.", "Cough for several months."),
        ("I've had the cough for a few weeks.", "Cough for several years."),
        ("I've had a cough for two weeks.", "Cough for 2 days."),
        ("I've had it a year and a half, the cough.", "Cough for 1 year."),
        ("The ferritin is 9.8 and the A1c is 7.2.", "HbA1c 9.8."),
        ("The hemoglobin is 9.8 today.", "HbA1c 9.8."),
        ("There is a stone of point five centimeters.", "Stone of 5 cm."),
        ("I hurt the second toe.", "Hurt the 4th toe."),
        ("I fell in march.", "Fell 05/2021."),
    ],
)
def test_what_was_said_otherwise_is_left_out(said: str, text: str) -> None:
    assert doubts(said, text) is None


@pytest.mark.parametrize(
    ("said", "text", "told"),
    [
        ("The value is 9.8.", "HbA1c value 9.8.", "HbA1c is not in the words it rests on"),
        ("I've had the cough since Monday.", "Cough for several days.", "days were not said"),
        ("I fell in march.", "Fell 03/2021.", "the year 2021 was not said"),
    ],
)
def test_what_is_not_plainly_said_is_marked(said: str, text: str, told: str) -> None:
    assert told in (doubts(said, text) or ())
