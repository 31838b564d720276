"""What the accounts show: second factors, passkeys or codes of an app, and who administers."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aimed.security.finding import Finding, judged
from fhir_server.server import FhirServer

_TREATING = {"clinician", "nurse"}
_NAMED = 10
"""User names that one line lists; the rest is a number."""


async def check_people(server: FhirServer) -> AsyncIterator[Finding]:
    """Look at every account that may sign in."""
    active = [one for one in await server.accounts.all() if not one.disabled]
    factors = {one.username: await server.second_factor.factors(one.username) for one in active}
    admins = [one.username for one in active if "admin" in one.roles and not factors[one.username]]
    yield judged(
        not admins,
        "administrators",
        "have a second factor.",
        f"without a second factor: {_listed(admins)}. Have it set up before anything else.",
    )
    others = [name for name, found in factors.items() if not found and name not in admins]
    yield judged(
        not others,
        "second factors",
        "everybody has one.",
        f"missing for {_listed(others)}.",
        level="warning",
    )
    both = [one.username for one in active if "admin" in one.roles and _TREATING & set(one.roles)]
    yield judged(
        not both,
        "roles",
        "nobody treats and administers with one account.",
        f"{_listed(both)} treat and administer with one account: give them two.",
        level="warning",
    )


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
