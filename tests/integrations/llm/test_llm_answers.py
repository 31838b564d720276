"""Whatever a model answers, parsing it gives clean sentences or says that it is no note."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.llm.parts import cuts, joined, without_repeats
from integrations.llm.structured_output import NotANote, Proposed, parse, plain
from pipelines.note.sections import SECTIONS
from pipelines.ports import Role
from tests.integrations.llm.asked import spoken

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["subjective", "Plan", "text", "evidence", "note", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
SENTENCE = st.builds(
    Proposed,
    st.text(min_size=1, max_size=40),
    st.lists(st.sampled_from(["s1", "s2", "s10", "s999"]), max_size=3).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(JSON.map(json.dumps), st.text(max_size=200)), st.text(max_size=20))
def test_any_answer_is_a_clean_proposal_or_no_note(answer: str, around: str) -> None:
    with suppress(NotANote):
        for sentences in parse(around + answer + around).values():
            for one in sentences:
                assert one.text == plain(one.text)
                one.text.encode()
                assert all(id[0] == "s" for id in one.evidence)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_plain_text_is_one_line_without_marks_that_reorder(text: str) -> None:
    clean = plain(text)
    assert plain(clean) == clean
    assert "\n" not in clean
    assert not set(clean) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\x00\x1b")


def test_a_sentence_that_says_what_two_did_replaces_both() -> None:
    said = [
        Proposed("Cough for a week.", ("s1",)),
        Proposed("Blocked nose.", ("s2",)),
        Proposed("Cough for a week and blocked nose.", ("s3",)),
    ]
    code = SECTIONS[0].code
    [one] = without_repeats(joined([{code: said}])).sections[code]
    assert (one.text, one.evidence) == (said[-1].text, ("s1", "s2", "s3"))


@settings(max_examples=100, deadline=None)
@given(st.lists(SENTENCE, max_size=12))
def test_joining_parts_loses_no_sentence_and_no_id_is_twice(found: list[Proposed]) -> None:
    half = len(found) // 2
    code = SECTIONS[0].code
    draft = joined([{code: found[:half]}, {code: found[half:]}])
    sentences = draft.sections[code]
    assert [one.text for one in sentences] == [one.text for one in found]
    assert len({one.id for one in sentences}) == len(sentences)
    merged = without_repeats(draft)
    assert {id for one in merged.sections[code] for id in one.evidence} == {
        id for one in found for id in one.evidence
    }
    assert without_repeats(merged) == merged


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=200), max_size=30), st.integers(100, 400), st.data())
def test_cuts_cover_everything_once_and_stay_where_they_are(
    texts: list[str], tokens: int, data: Any
) -> None:
    segments = spoken([(Role.PATIENT, text) for text in texts])
    whole = cuts(segments, tokens)
    assert [at for first, last in whole for at in range(first, last)] == list(range(len(segments)))
    earlier = cuts(segments[: data.draw(st.integers(0, len(segments)))], tokens)
    assert earlier[:-1] == whole[: max(len(earlier) - 1, 0)]
