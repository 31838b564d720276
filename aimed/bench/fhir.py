"""`aimed bench fhir`: import, single interactions and searches at several numbers of clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

import httpx2

from aimed.bench.bundles import resources_in
from aimed.bench.measuring import ApiCpu, Measured, measure
from aimed.bench.own_cost import Cost, costs
from aimed.bench.work import SEARCHES, Mixed, imports, searches

Step = Callable[[str, int | None], Callable[[], None]]
"""Begins a line of progress, of so many jobs if that is known; gives what to call after each."""

_PATIENTS = 50
_COSTED = 2000


@dataclass(frozen=True)
class Plan:
    """What to measure: transaction bundles, numbers of clients, seconds of each measurement.

    An import takes `imported` bundles, or one for each client if that is more.
    """

    bundles: Sequence[bytes]
    clients: Sequence[int]
    seconds: float
    imported: int


@dataclass(frozen=True)
class Figures:
    """Everything measured; `plans` has for each search how the server went about it."""

    imports: tuple[Measured, ...]
    crud: tuple[Measured, ...]
    searches: tuple[Measured, ...]
    plans: dict[str, str]
    costs: tuple[Cost, ...]

    @property
    def errors(self) -> int:
        """Requests that were not answered as they should."""
        return sum(one.errors for one in (*self.imports, *self.crud, *self.searches))


async def run(
    client: httpx2.AsyncClient, plan: Plan, cpu: ApiCpu, *, now: datetime, step: Step
) -> Figures:
    """Measure everything through a signed-in `client`."""
    imported = await _imports(client, plan, cpu, step)
    crud = [
        await measure(
            "crud",
            Mixed(client).jobs(),
            clients=clients,
            cpu=cpu,
            seconds=plan.seconds,
            done=step(f"Single interactions, {clients} clients", None),
        )
        for clients in plan.clients
    ]
    patients = await _patients(client)
    searched = [
        await measure(
            name,
            searches(client, template, patients),
            clients=1,
            cpu=cpu,
            seconds=plan.seconds,
            done=step(f"Search: {name}", None),
        )
        for name, template in SEARCHES.items()
    ]
    return Figures(
        imports=tuple(imported),
        crud=tuple(crud),
        searches=tuple(searched),
        plans={
            name: await _explained(client, template.format(patient=patients[0]))
            for name, template in SEARCHES.items()
        },
        costs=_own_costs(plan.bundles, now),
    )


async def _imports(
    client: httpx2.AsyncClient, plan: Plan, cpu: ApiCpu, step: Step
) -> list[Measured]:
    measured = []
    for clients in plan.clients:
        number = max(plan.imported, clients)
        repeated = chain.from_iterable(plan.bundles for _ in range(number))
        done = step(f"Import, {clients} clients", number)
        jobs = imports(client, islice(repeated, number))
        measured.append(await measure("import", jobs, clients=clients, cpu=cpu, done=done))
    return measured


async def _patients(client: httpx2.AsyncClient) -> list[str]:
    """Some patients that have observations."""
    address = f"/fhir/Patient?_has:Observation:patient:code=8302-2&_count={_PATIENTS}"
    entries = (await client.get(address)).json().get("entry", ())
    return [entry["resource"]["id"] for entry in entries] or ["none"]


async def _explained(client: httpx2.AsyncClient, address: str) -> str:
    """The server's own account of a search."""
    answer = (await client.get(f"/fhir/{address}&_explain=true")).json()
    for entry in answer.get("entry", ()):
        if entry["search"]["mode"] == "outcome":
            return "\n".join(issue["diagnostics"] for issue in entry["resource"]["issue"])
    return ""


def _own_costs(bundles: Iterable[bytes], now: datetime) -> tuple[Cost, ...]:
    resources = chain.from_iterable(resources_in(bundle) for bundle in bundles)
    return costs(islice(resources, _COSTED), now)
