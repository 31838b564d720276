"""A clinic's desk and a hospital's messages on one server."""

from __future__ import annotations

import pytest

from fhir_server.clock import system_clock
from integrations.hl7v2.effects.encounters import visits_follow
from integrations.hl7v2.effects.results import ResultAlerts
from integrations.hl7v2.writing.importing import Importing
from tests.integrations.hl7v2.writing.feed import MRN, Feed
from tests.smart_app.conftest import Desk, desk  # noqa: F401


@pytest.fixture
async def hospital(desk: Desk) -> Feed:  # noqa: F811
    """Its messages reach the desk's server; patient 1 of the hospital is Patient/p1 there."""
    store = desk.fhir.server.store
    known = (await store.read("Patient", "p1")).resource()
    known = {**known, "identifier": [{"system": MRN, "value": "1"}]}
    await store.transact(lambda unit: unit.update(known))
    importing = Importing(
        desk.fhir.server, consequences=(ResultAlerts(system_clock), visits_follow)
    )
    await importing.prepare()
    return Feed(desk.fhir, importing)
