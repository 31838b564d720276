"""Words heard again after a restart enter the journal once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.consultation.overlap import heard_until, unheard
from pipelines.ports import Role, Segment, TranscriptFinal, Word


def final(*words: tuple[float, float, str]) -> TranscriptFinal:
    made = tuple(Word(start, end, text, 0.9) for start, end, text in words)
    text = " ".join(text for _, _, text in words)
    return TranscriptFinal(0, words[0][0], words[-1][1], text, 0.9, 0.0, made)


def test_new_words_pass_unchanged() -> None:
    heard = final((5.0, 5.5, "hello"))
    assert unheard(heard, 5.0) is heard


def test_words_heard_before_are_cut_off() -> None:
    heard = final(
        (1.0, 1.4, "chest"), (1.4, 1.9, "pain"), (2.0, 2.3, "since"), (2.3, 2.9, "Monday")
    )
    left = unheard(heard, 1.92)
    assert left is not None
    assert left.text == "since Monday"
    assert left.start == 2.0
    assert unheard(heard, 2.9) is None


def test_without_words_the_end_decides() -> None:
    heard = TranscriptFinal(0, 1.0, 3.0, "no word times", 0.5, 0.0)
    assert unheard(heard, 3.0) is None
    assert unheard(heard, 2.5) is heard


def test_a_word_that_another_clock_puts_a_little_early_stays() -> None:
    heard = final((4.8, 5.0, "no"), (5.0, 5.4, "fever"))
    assert unheard(heard, 4.9) is heard


def test_each_channel_is_heard_for_itself() -> None:
    segments = [
        Segment("s1", 0, Role.DOCTOR, 0, 4, "a", 1),
        Segment("s2", 1, Role.PATIENT, 1, 2, "b", 1),
        Segment("s3", 0, Role.DOCTOR, 2, 3, "c", 1),
    ]
    assert heard_until(segments) == {0: 4, 1: 2}


@given(st.integers(1, 40), st.floats(0, 50))
def test_cutting_twice_is_cutting_once(count: int, until: float) -> None:
    heard = final(*((float(n), n + 0.8, f"w{n}") for n in range(count)))
    left = unheard(heard, until)
    kept = 0 if left is None else len(left.words)
    assert kept == sum(1 for n in range(count) if n + 0.8 > until + 0.02 or n >= until)
    if left is not None:
        again = unheard(left, until)
        assert again is not None
        assert again.words == left.words
