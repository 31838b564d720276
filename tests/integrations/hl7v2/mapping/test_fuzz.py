"""Odd input never raises, and every segment of it is in the report."""

from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.resource import dumps
from fhir_server.validation.validator import validate
from integrations.hl7v2.mapping.engine import convert
from integrations.hl7v2.mapping.tables import default_tables
from integrations.hl7v2.message.delimiters import NotHl7
from integrations.hl7v2.message.parser import parse
from tests.integrations.hl7v2.conversions import AT, DATA, NAMES, SITE, sample, standing

_ODD = (
    b"|", b"^", b"~", b"&", b"\\", b'""', b"\r", b"\\X41\\", b"\\.br\\", b"|||||", b"\xff\xfe",
    b"0", b"99999999999999999999", b"19990230", b"NaN", b"1e999", b"-", b"\rZZZ|1|2\r",
    b"\rOBX|1|NM|x||abc\r", b"\rPID\r", b"\rMSH|^~\\&|\r", b" ", b"urn:uuid:", b"http://a b",
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32))
def test_mutated_samples_never_raise(name: str, seed: int) -> None:
    chance = random.Random(seed)
    raw = bytearray((DATA / name).read_bytes())
    for _ in range(chance.randint(1, 25)):
        at = chance.randrange(9, len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] = chance.randrange(256)
            case 1:
                raw[at:at] = chance.choice(_ODD)
            case 2:
                del raw[at : at + chance.randrange(40)]
            case _:
                raw[at:at] = raw[chance.randrange(len(raw)) :][: chance.randrange(60)]
        if len(raw) < 12:
            break
    try:
        message = parse(bytes(raw))
    except NotHl7:
        return
    conversion = convert(message, default_tables(), SITE, at=AT)
    assert standing(conversion)  # every reference leads to a draft
    for draft in conversion.drafts:
        dumps(draft.resource)
    assert [one.index for one in conversion.report.segments] == [
        one.index for one in message.segments
    ]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32))
def test_shuffled_segments_never_raise(name: str, seed: int) -> None:
    lines = [one for one in (DATA / name).read_bytes().replace(b"\n", b"\r").split(b"\r") if one]
    rest = lines[1:]
    random.Random(seed).shuffle(rest)
    convert(parse(b"\r".join([lines[0], *rest])), default_tables(), SITE, at=AT)


_VALUES = (
    b'""', b"X", b"abc def^x&y~z^^^q^r", b"1", b"0", b"20240101", b"202401011230+0100", b"Y",
    b"-1.5^mg&milli^K", b"^^^&1.2.3&ISO^MR", b"~~A~B^^", b"  padded  ", b"9" * 20,
)  # fmt: skip


def _fields() -> list[tuple[str, int, int]]:
    """Some three hundred fields of the samples: each field of a segment id once or twice."""
    seen: dict[tuple[bytes, int], int] = {}
    found = []
    for name in NAMES:
        for at, segment in enumerate(parse((DATA / name).read_bytes()).segments[1:], 1):
            for number in range(1, len(segment) + 1):
                key = (segment.raw[:3], number)
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == 1:
                    found.append((name, at, number))
    return found


def test_whatever_a_field_holds_the_resources_are_valid_and_it_is_reported() -> None:
    """Each field that occurs in a sample, once, with one value that is not for it."""
    chance = random.Random(11)
    for name, at, number in chance.sample(_fields(), 160):
        message = parse((DATA / name).read_bytes())
        mark = message.delimiters.field
        lines = [one.raw for one in message.segments]
        fields = lines[at].split(mark)
        fields[number] = chance.choice(_VALUES)
        lines[at] = mark.join(fields)
        conversion = convert(parse(b"\r".join(lines)), default_tables(), SITE, at=AT)
        where = (name, fields[0], number, fields[number])
        for resource in standing(conversion):
            assert validate(resource) == (), (where, resource["resourceType"])
        assert number in {one.position for one in conversion.report.segments[at].fields}, where


def test_when_a_message_arrives_changes_nothing_that_it_says() -> None:
    """But for the elements that R4 demands and a message has no time for."""
    later = AT + timedelta(days=3)
    for name in NAMES:
        message = parse((DATA / name).read_bytes())
        if not message.header.sent:
            continue
        again = convert(message, default_tables(), SITE, at=later)
        for one, other in zip(sample(name).drafts, again.drafts, strict=True):
            if one.type not in ("Provenance", "NutritionOrder", "ClaimResponse"):
                assert one == other, (name, one.key)
