"""Dates cover ranges. https://hl7.org/fhir/R4/search.html#date"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.dates import FIRST, LAST, parse_range, range_of


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2013", utc(2013, 1, 1), utc(2014, 1, 1)),
        ("2013-12", utc(2013, 12, 1), utc(2014, 1, 1)),
        ("2012-02-29", utc(2012, 2, 29), utc(2012, 3, 1)),
        ("2013-01-14T10:00", utc(2013, 1, 14, 10), utc(2013, 1, 14, 10, 1)),
        ("2013-01-14T10:00:05Z", utc(2013, 1, 14, 10, 0, 5), utc(2013, 1, 14, 10, 0, 6)),
        ("2013-01-14T00:30:00+02:00", utc(2013, 1, 13, 22, 30), utc(2013, 1, 13, 22, 30, 1)),
        ("2013-01-14T23:30:00-05:00", utc(2013, 1, 15, 4, 30), utc(2013, 1, 15, 4, 30, 1)),
    ],
)
def test_precision_and_zones(text: str, begin: datetime, end: datetime) -> None:
    assert parse_range(text) == (begin, end)


@pytest.mark.parametrize(
    "text", ["", "13", "2013-13", "2013-02-30", "2013-01-14T25:00:00Z", "2013-1-1", "x", "2013Z"]
)
def test_what_is_no_date(text: str) -> None:
    assert parse_range(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_range_or_none(text: str) -> None:
    found = parse_range(text)
    assert found is None or found[0] < found[1]


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))
def test_an_instant_lies_in_every_coarser_date(moment: datetime) -> None:
    fine = parse_range(f"{moment:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0"))
    assert fine is not None
    for form in ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M"):
        width = {"%Y": 4, "%Y-%m": 7, "%Y-%m-%d": 10}.get(form, 16)
        coarse = parse_range(moment.strftime(form).rjust(width, "0"))
        assert coarse is not None
        assert coarse[0] <= fine[0]
        assert fine[1] <= coarse[1]


def test_open_periods_and_timings() -> None:
    assert range_of("Period", {"start": "2013"}) == (utc(2013, 1, 1), LAST)
    assert range_of("Period", {"end": "2013"}) == (FIRST, utc(2014, 1, 1))
    timing = {"event": ["2013-01-02", "2013-01-05"]}
    assert range_of("Timing", timing) == (utc(2013, 1, 2), utc(2013, 1, 6))
    assert range_of("Timing", {}) is None


def test_the_last_years_do_not_overflow() -> None:
    for text in ("0001", "9999", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"):
        found = parse_range(text)
        assert found is None or timedelta(0) <= found[1] - found[0]
