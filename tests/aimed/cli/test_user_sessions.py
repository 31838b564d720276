"""What ends the sessions of somebody by `aimed user`. OWASP ASVS 5.0 V7.4.2 and V7.4.5."""

from __future__ import annotations

import asyncio

import pytest

from aimed.cli.user import make_user
from aimed.fhir import open_fhir
from aimed.settings import Settings
from tests.accounts import USERNAME, dr_adams
from tests.aimed.cli.running import Run, RunOf


@pytest.fixture
def run(run_of: RunOf) -> Run:
    """Runs a subcommand, on a database of its own with Dr Adams in it."""
    asyncio.run(_add())
    return run_of(make_user())


async def _add() -> None:
    async with open_fhir(Settings()) as fhir:
        await fhir.accounts.add(dr_adams())


async def _sign_in() -> None:
    async with open_fhir(Settings()) as fhir:
        await fhir.authenticator.issue(dr_adams())
        await fhir.authenticator.issue(dr_adams())


async def _sessions() -> int:
    async with open_fhir(Settings()) as fhir:
        return len(await fhir.tokens.of_subject(USERNAME))


def test_what_ends_the_sessions_of_somebody(run: Run) -> None:
    for arguments, typed in (
        (("roles", USERNAME, "clinician"), ""),
        (("password", USERNAME), "violet tractor mumbles\n"),
        (("forget-second-factor", USERNAME), ""),
        (("disable", USERNAME), ""),
    ):
        asyncio.run(_sign_in())
        assert asyncio.run(_sessions()) == 2
        run(*arguments, typed=typed)
        assert asyncio.run(_sessions()) == 0, arguments
