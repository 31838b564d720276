"""The sample messages, converted and written: in order, then shuffled with repetitions.

Left out of the comparison: A46 to A51. A changed identifier and a merge of the same two numbers, as
the samples have them for one patient, are two ways to say one thing (decision 0022).
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from fhir_server.errors import InvalidResource
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.engine import convert
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.mapping.tables import default_tables
from integrations.hl7v2.message import parse
from tests.integrations.hl7v2.writing.feed import Feed
from tests.shared_data import shared

_RENAMING = {"A46", "A47", "A48", "A49", "A50", "A51"}


def samples() -> dict[str, Conversion]:
    files = sorted(shared("hl7v2/microsoft/SampleData").rglob("*.hl7"))
    received = datetime(2026, 1, 1, tzinfo=UTC)
    tables, site = default_tables(), SiteMapping()
    return {
        file.name: convert(parse(file.read_bytes()), tables, site, at=received) for file in files
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_shuffled_and_repeated_they_end_alike(feed: Feed) -> None:
    told = {n: one for n, one in samples().items() if one.trigger not in _RENAMING}
    taken: list[str] = []
    for name, one in told.items():
        try:
            await feed.send(one, name)
            taken.append(name)
        except InvalidResource:
            continue
    assert len(taken) >= 0.85 * len(told)
    straight = await feed.state()

    await feed.wipe()
    chance = random.Random(7)
    order = [*taken, *chance.sample(taken, 20)]
    chance.shuffle(order)
    for name in order:
        await feed.send(told[name], name)
    shuffled = await feed.state()

    assert straight.keys() == shuffled.keys()
    different = {one for one in straight if straight[one] != shuffled[one]}
    assert different == set()
