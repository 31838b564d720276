"""Parameters of type date. https://hl7.org/fhir/R4/search.html#date"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    Json,
    address,
    found,
    keep,
    observation,
    refused,
    resource,
)

Span = tuple[datetime, datetime]
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def day(*parts: int, days: int = 1) -> Span:
    return at(*parts), at(*parts) + timedelta(days=days)


def second(*parts: int) -> Span:
    return at(*parts), at(*parts) + timedelta(seconds=1)


# The element as it is written and the span of time that it may mean, the end not part of it.
TARGETS: dict[str, tuple[Json, Span]] = {
    "year": ({"effectiveDateTime": "2013"}, (at(2013, 1, 1), at(2014, 1, 1))),
    "january": ({"effectiveDateTime": "2013-01"}, (at(2013, 1, 1), at(2013, 2, 1))),
    "jan14": ({"effectiveDateTime": "2013-01-14"}, day(2013, 1, 14)),
    "midnight": ({"effectiveDateTime": "2013-01-14T00:00:00Z"}, second(2013, 1, 14)),
    "ten": ({"effectiveDateTime": "2013-01-14T10:00:00Z"}, second(2013, 1, 14, 10)),
    "ten-east": ({"effectiveDateTime": "2013-01-14T20:00:00+10:00"}, second(2013, 1, 14, 10)),
    "jan15": ({"effectiveDateTime": "2013-01-15T00:00:00Z"}, second(2013, 1, 15)),
    "instant": (
        {"effectiveInstant": "2013-01-14T10:00:00.500Z"},
        (at(2013, 1, 14, 10, 0, 0, 500000), at(2013, 1, 14, 10, 0, 0, 501000)),
    ),
    "from-jan21": ({"effectivePeriod": {"start": "2013-01-21"}}, (at(2013, 1, 21), LAST)),
    "to-jan21": ({"effectivePeriod": {"end": "2013-01-21"}}, (FIRST, at(2013, 1, 22))),
    "from-mar15": ({"effectivePeriod": {"start": "2013-03-15"}}, (at(2013, 3, 15), LAST)),
    "march": (
        {"effectivePeriod": {"start": "2013-03-10", "end": "2013-03-20"}},
        (at(2013, 3, 10), at(2013, 3, 21)),
    ),
    "mar14": ({"effectiveDateTime": "2013-03-14"}, day(2013, 3, 14)),
    "june2015": ({"effectiveDateTime": "2015-06-15"}, day(2015, 6, 15)),
}
VALUES: dict[str, Span] = {
    "2013": (at(2013, 1, 1), at(2014, 1, 1)),
    "2013-01": (at(2013, 1, 1), at(2013, 2, 1)),
    "2013-01-14": day(2013, 1, 14),
    "2013-03-14": day(2013, 3, 14),
    "2013-01-14T10:00Z": (at(2013, 1, 14, 10), at(2013, 1, 14, 10, 1)),
    "2013-01-14T10:00:00Z": second(2013, 1, 14, 10),
    "2013-01-14T05:00:00-05:00": second(2013, 1, 14, 10),
    "2013-01-14T20:00:00+10:00": second(2013, 1, 14, 10),
    "2013-01-14T10:00:00.500Z": TARGETS["instant"][1],
    "2015": (at(2015, 1, 1), at(2016, 1, 1)),
    "1999-12-31": day(1999, 12, 31),
}


def meets(prefix: str, value: Span, target: Span) -> bool:
    """3.1.1.4.4: what each prefix says of the two spans."""
    (low, high), (start, end) = value, target
    contained = low <= start and end <= high
    return {
        "": contained,
        "eq": contained,
        "ne": not contained,
        "gt": end > high,
        "lt": start < low,
        "ge": end > high or contained,
        "le": start < low or contained,
        "sa": start >= high,
        "eb": end <= low,
    }[prefix]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def dated(fhir: httpx2.AsyncClient) -> None:
    made = [observation(id, **element) for id, (element, _) in TARGETS.items()]
    born = [
        resource("Patient", "leap", birthDate="1980-02-29"),
        resource("Patient", "month", birthDate="1980-03"),
        resource("Patient", "new-year", birthDate="1981"),
        resource("Patient", "unborn"),
    ]
    await keep(fhir, [*made, observation("undated"), *born])


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("prefix", ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
async def test_prefix(fhir: httpx2.AsyncClient, prefix: str, value: str) -> None:
    wanted = [id for id, (_, target) in TARGETS.items() if meets(prefix, VALUES[value], target)]
    ids = (await found(fhir, f"Observation?date={prefix}{value}&_count=100")).split()
    assert [one for one in ids if one != "undated"] == sorted(wanted)


@pytest.mark.parametrize(
    ("query", "inside", "outside"),
    [  # the examples of the specification
        ("eq2013-01-14", "midnight ten", "jan15"),
        ("ne2013-01-14", "jan15", "midnight ten"),
        ("lt2013-01-14T10:00Z", "jan14", "jan15"),
        ("gt2013-01-14T10:00Z", "jan14", "midnight"),
        ("ge2013-03-14", "from-jan21 mar14", "to-jan21"),
        ("le2013-03-14", "from-jan21 mar14", "june2015"),
        ("sa2013-03-14", "from-mar15", "from-jan21 to-jan21"),
        ("eb2013-03-14", "to-jan21", "from-mar15 from-jan21"),
        ("ap2013-03-14", "mar14", ""),
    ],
)
async def test_examples(fhir: httpx2.AsyncClient, query: str, inside: str, outside: str) -> None:
    ids = set((await found(fhir, f"Observation?date={query}&_count=100")).split())
    assert set(inside.split()) <= ids
    assert not set(outside.split()) & ids


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Observation?date:missing=true", "undated"),
        ("Observation?date:missing=true&date=2013", ""),
        ("Observation?date=2013-01-15,2015", "jan15 june2015"),
        ("Observation?date=gt2014,eb2000&date:missing=false", "from-jan21 from-mar15 june2015"),
        (
            "Observation?date=ge2013-03-12&date=le2013-03-16&date=eb2015&date=sa2013-03-01",
            "mar14 march",
        ),
        ("Patient?birthdate=1980-02-29", "leap"),
        ("Patient?birthdate=1980-02", "leap"),
        ("Patient?birthdate=1980", "leap month"),
        ("Patient?birthdate=1981-01-01", ""),
        ("Patient?birthdate=ge1981-01-01", "new-year"),
        ("Patient?birthdate=lt1980-03-15", "leap month"),
        ("Patient?birthdate=gt1980-03-15", "month new-year"),
        ("Patient?birthdate=sa1980-02-29", "month new-year"),
        ("Patient?birthdate=eb1980-03", "leap"),
        ("Patient?birthdate=gt1980-02-29&birthdate=lt1981", "month"),
        ("Patient?birthdate=1980-02-29,1981", "leap new-year"),
        ("Patient?birthdate:missing=true", "unborn"),
        ("Patient?birthdate:missing=false", "leap month new-year"),
        ("Patient?birthdate=ap1980-02-29&_id=leap", "leap"),
        ("Patient?birthdate=ap1700&_id=leap", ""),
    ],
)
async def test_combined(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, query) == wanted


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2013-13",
        "2013-02-30",
        "2013-1-1",
        "13-01-2013",
        "2013/01/14",
        "20130114",
        "2013-01-14T25:00:00Z",
        "2013-01-14T10",
        "T10:00",
        "xx2013",
        "eq",
        "gt",
        "",
    ],
)
async def test_no_date_is_refused(fhir: httpx2.AsyncClient, value: str) -> None:
    refused(await fhir.get(address(f"Observation?date={value}")), 400)


@pytest.mark.parametrize("modifier", ["exact", "contains", "not", "in", "text", "nonsense"])
async def test_other_modifiers_are_refused(fhir: httpx2.AsyncClient, modifier: str) -> None:
    refused(await fhir.get(f"/fhir/Observation?date:{modifier}=2013"), 400)


async def test_every_form_of_a_moment(fhir: httpx2.AsyncClient) -> None:
    """A Timing counts from its first to its last event; instants keep their milliseconds."""
    timing = {"event": ["2001-05-01", "2001-05-03"]}
    await keep(fhir, [observation("timed", effectiveTiming=timing)])
    assert await found(fhir, "Observation?date=2001-05") == "timed"
    assert await found(fhir, "Observation?date=gt2001-05-02&date=lt2001-06&date=sa2000") == "timed"
    audit = resource(
        "Appointment",
        "slot",
        status="booked",
        start="2020-01-01T10:00:00.250+01:00",
        end="2020-01-01T10:30:00+01:00",
        participant=[{"status": "accepted", "actor": {"display": "x"}}],
    )
    await keep(fhir, [audit])
    assert await found(fhir, "Appointment?date=2020-01-01T09:00:00.250Z") == "slot"
    assert await found(fhir, "Appointment?date=2020-01-01T09:00:00Z") == "slot"
    assert await found(fhir, "Appointment?date=2020-01-01T09:00:00.251Z") == ""
    assert await found(fhir, "Appointment?date=gt2020-01-01T09:00:00.249Z") == "slot"
