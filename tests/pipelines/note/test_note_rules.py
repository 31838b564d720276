from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.note import RulesDrafter, unsupported
from pipelines.note.rules import draft_note
from pipelines.ports import Chart, NoteDraft, NoteSentence, Role, Segment

D, P = Role.DOCTOR, Role.PATIENT
VISIT = [
    (D, "Good morning, how are you?"),
    (P, "I'm fine, thanks."),
    (P, "I've had chest pain when I climb the stairs for three weeks."),
    (D, "Any shortness of breath or fever?"),
    (P, "No."),
    (P, "My father had a heart attack at 55."),
    (D, "What medications do you take?"),
    (P, "Lisinopril 10 milligrams once a day."),
    (D, "Your blood pressure today is one eighty two over one hundred and twelve."),
    (D, "Your lungs are clear. I think this could be angina."),
    (D, "So I'm going to prescribe a Marxist in 500 milligrams three times a day."),
    (D, "We'll get an ECG today. Come back in two weeks."),
    (P, "Thank you, goodbye."),
]


def spoken(turns: list[tuple[Role, str]]) -> list[Segment]:
    return [
        Segment(f"s{at}", 0, role, float(at), at + 1.0, text, 0.9)
        for at, (role, text) in enumerate(turns, start=1)
    ]


def texts(draft: NoteDraft, code: str) -> list[str]:
    return [sentence.text for sentence in draft.sections.get(code, ())]


async def test_a_visit_in_four_sections() -> None:
    draft = await RulesDrafter().draft(spoken(VISIT), Chart())
    subjective = texts(draft, "61150-9")
    assert subjective[0].startswith("Presents with chest pain (on exertion) for 3 weeks")
    assert "Denies shortness of breath and fever." in subjective
    assert "Takes lisinopril 10 mg once a day." in subjective
    assert "Family history: heart attack (father)." in subjective
    assert texts(draft, "61149-1") == ["Blood pressure 182/112 mmHg.", "Your lungs are clear."]
    assert texts(draft, "51848-0") == ["I think this could be angina."]
    assert texts(draft, "18776-5") == [
        'Prescribe amoxicillin (heard as "a Marxist in") 500 milligrams three times a day.',
        "Get an ECG today.",
        "Come back in two weeks.",
    ]


def test_every_sentence_is_supported_and_has_one_id() -> None:
    segments = spoken(VISIT)
    draft = draft_note(segments)
    assert unsupported(draft, segments) == ()
    sentences = [sentence for found in draft.sections.values() for sentence in found]
    assert all(sentence.evidence for sentence in sentences)
    assert len({sentence.id for sentence in sentences}) == len(sentences)


def test_ids_stay_as_the_visit_goes_on() -> None:
    segments = spoken(VISIT)
    known: dict[str, str] = {}
    for size in range(1, len(segments) + 1):
        draft = draft_note(segments[:size])
        now = {s.id: s.text for found in draft.sections.values() for s in found}
        assert set(known) <= set(now)
        known = now


def test_nothing_said_gives_an_empty_note() -> None:
    assert draft_note([]).empty
    assert draft_note(spoken([(D, "Good morning, how are you?"), (P, "Fine, thank you.")])).empty
    assert draft_note(spoken([(Role.UNKNOWN, " ")])).empty


def test_what_the_evidence_does_not_say_is_found() -> None:
    segments = spoken([(P, "I take lisinopril 10 milligrams.")])
    sentences = (
        NoteSentence("good", "Takes lisinopril 10 mg.", ("s1",)),
        NoteSentence("number", "Takes lisinopril 20 mg.", ("s1",)),
        NoteSentence("drug", "Takes metformin 10 mg.", ("s1",)),
        NoteSentence("nowhere", "Takes lisinopril.", ()),
        NoteSentence("unknown", "Takes lisinopril.", ("s9",)),
    )
    wrong = unsupported(NoteDraft({"61150-9": sentences}), segments)
    assert [sentence.id for sentence in wrong] == ["number", "drug", "nowhere", "unknown"]


def test_a_pressure_taken_twice_is_two_sentences() -> None:
    said = "Your blood pressure was 150 over 90. And now it is 140 over 85."
    (objective,) = draft_note(spoken([(Role.DOCTOR, said)])).sections.values()
    assert len({sentence.id for sentence in objective}) == len(objective) == 2


TURN = st.tuples(
    st.sampled_from(list(Role)),
    st.lists(
        st.sampled_from(
            ["I have", "chest pain", "no", "fever", "?", ".", "we'll start", "amoxicillin", "500",
             "mg", "your blood pressure is", "one eighty over ninety", "I take", "metformin",
             "allergic to", "sulfa", "my mother had", "stroke", "for two weeks", "yes"]
        ),
        max_size=12,
    ).map(" ".join),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(TURN, max_size=8))
def test_whatever_is_said_the_note_is_supported(turns: list[tuple[Role, str]]) -> None:
    segments = spoken(turns)
    draft = draft_note(segments)
    assert unsupported(draft, segments) == ()
    ids = [sentence.id for found in draft.sections.values() for sentence in found]
    assert len(set(ids)) == len(ids)
