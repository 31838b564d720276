"""What the clients of a benchmark do: import, a mix of single interactions, search families."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from aimed.bench.measuring import Call, Job

Json = dict[str, Any]

FHIR = {"Content-Type": "application/fhir+json"}
MIX = ("read",) * 10 + ("vread", "history") + ("create",) * 4 + ("update",) * 3 + ("delete",)
"""Of 20 requests 10 reads, 4 creates, 3 updates, a vread, a history and a delete."""

SEARCHES = {
    "token": "Observation?code=http://loinc.org|8302-2",
    "string": "Patient?name=a",
    "date range": "Observation?date=ge2015&date=lt2016",
    "reference": "Observation?patient={patient}",
    "reference and token": "Observation?patient={patient}&code=8302-2",
    "quantity": "Observation?value-quantity=gt190|http://unitsofmeasure.org|cm",
    "composite": "Observation?code-value-quantity=8302-2$gt170",
    "chain": "Observation?patient.gender=male&code=8302-2",
    "_has": "Patient?_has:Observation:patient:code=8302-2",
    "_include": "Observation?patient={patient}&_include=Observation:encounter",
    "_revinclude": "Patient?_id={patient}&_revinclude=Encounter:patient",
    "_sort": "Observation?patient={patient}&_sort=-date",
    "_total": "Observation?code=8302-2&_total=accurate",
}


def imports(client: httpx2.AsyncClient, bundles: Iterable[bytes]) -> Iterator[Job]:
    """One transaction for each bundle."""
    for bundle in bundles:

        async def load(bundle: bytes = bundle) -> Call:
            answer = await client.post("/fhir", content=bundle, headers=FHIR)
            good = answer.status_code == 200
            return Call(len(answer.json()["entry"]) if good else 0, good)

        yield load


@dataclass
class Mixed:
    """Single interactions in a fixed mix on patients of the benchmark's own."""

    client: httpx2.AsyncClient
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    ids: list[str] = field(default_factory=list)

    def jobs(self) -> Iterator[Job]:
        """Without end. The first are creates, so that there is something to read."""
        while True:
            kind = self.dice.choice(MIX) if len(self.ids) > 20 else "create"
            yield getattr(self, f"_{kind}")

    async def _create(self) -> Call:
        answer = await self.client.post("/fhir/Patient", content=self._body(None), headers=FHIR)
        if answer.status_code == 201:
            self.ids.append(answer.headers["location"].split("/")[-3])
        return Call(1, answer.status_code == 201)

    async def _update(self) -> Call:
        id = self.dice.choice(self.ids)
        body = self._body(id)
        answer = await self.client.put(f"/fhir/Patient/{id}", content=body, headers=FHIR)
        return Call(1, answer.status_code in (200, 201))  # 201: it was deleted meanwhile

    async def _read(self) -> Call:
        return await self._get(f"/fhir/Patient/{self.dice.choice(self.ids)}")

    async def _vread(self) -> Call:
        return await self._get(f"/fhir/Patient/{self.dice.choice(self.ids)}/_history/1")

    async def _history(self) -> Call:
        return await self._get(f"/fhir/Patient/{self.dice.choice(self.ids)}/_history")

    async def _delete(self) -> Call:
        id = self.ids.pop(self.dice.randrange(len(self.ids)))
        answer = await self.client.delete(f"/fhir/Patient/{id}")
        return Call(1, answer.status_code == 204)

    async def _get(self, address: str) -> Call:
        answer = await self.client.get(address)
        return Call(1, answer.status_code in (200, 410))  # 410: deleted by another client

    def _body(self, id: str | None) -> bytes:
        born = f"{self.dice.randint(1930, 2020)}-{self.dice.randint(1, 12):02}"
        patient = {
            "resourceType": "Patient",
            **({"id": id} if id else {}),
            "identifier": [{"system": "urn:aimed:bench:crud", "value": born}],
            "name": [{"family": "Bench", "given": [str(self.dice.randrange(1000))]}],
            "birthDate": born,
        }
        return json.dumps(patient).encode()


def searches(client: httpx2.AsyncClient, template: str, patients: list[str]) -> Iterator[Job]:
    """The same search without end, on one patient after another."""
    number = 0
    while True:
        address = template.format(patient=patients[number % len(patients)])
        number += 1

        async def search(address: str = address) -> Call:
            answer = await client.get(f"/fhir/{address}")
            found = len(answer.json().get("entry", ())) if answer.status_code == 200 else 0
            return Call(found, answer.status_code == 200)

        yield search
