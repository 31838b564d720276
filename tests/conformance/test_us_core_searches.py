"""Every search that US Core 6.1 requires, on its own examples.

What has to be found is worked out here by plain JSON, from the paths of the table. Tables:
`us-core/required-searches.csv` and `search-definitions.csv` of the outside data.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import tarfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio

from tests.shared_data import shared

Json = dict[str, Any]
Range = tuple[datetime, datetime]

VALUES = 4
"""Most values tried of one parameter in one search."""
FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
DATES = ("date", "dateTime", "Period", "instant")


def rows(name: str) -> list[dict[str, str]]:
    with shared(f"us-core/{name}").open() as file:
        return list(csv.DictReader(file))


def examples() -> list[Json]:
    """The resources of the package's examples, those in bundles left out."""
    found = {}
    with tarfile.open(shared("us-core/us-core-6.1.0.tgz")) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if "/example/" in member.name and member.name.endswith(".json") and stream:
                resource = json.load(stream)
                if resource.get("resourceType") not in (None, "Bundle"):
                    found[resource["resourceType"], resource["id"]] = resource
    return list(found.values())


def at(value: Any, path: str) -> Iterator[Any]:
    """The values at a path of the table; `effective` also means `effectiveDateTime`."""
    for alternative in path.split("|"):
        yield from _at(value, re.split(r"\.(?![^(]*\))", alternative))


def _at(value: Any, steps: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _at(one, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        step, *rest = steps
        if step.startswith("where("):
            if value["url"] == step.split("'")[1]:
                yield from _at(value, rest)
            return
        keys = [step] if step in value else [k for k in value if re.fullmatch(f"{step}[A-Z].*", k)]
        for key in keys:
            yield from _at(value[key], rest)


def moment(text: str) -> Range:
    """The time that a date with its precision covers."""
    if len(text) == 4:
        return day(int(text), 1, 1), day(int(text) + 1, 1, 1)
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        return day(year, month, 1), day(year + month // 12, month % 12 + 1, 1)
    if len(text) == 10:
        begin = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return begin, begin + timedelta(days=1)
    begin = datetime.fromisoformat(text)
    step = timedelta(milliseconds=1) if "." in text else timedelta(seconds=1)
    return begin, begin + step


def day(year: int, month: int, number: int) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


def span(value: Any) -> Range:
    if isinstance(value, str):
        return moment(value)
    start, end = value.get("start"), value.get("end")
    return (moment(start)[0] if start else FIRST), (moment(end)[1] if end else LAST)


def compared(prefix: str, target: Range, wanted: Range) -> bool:
    """FHIR R4 3.1.1.4.5, on ranges that end before their second value."""
    (low, high), (start, stop) = target, wanted
    inside = start <= low and high <= stop
    return {
        "eq": inside,
        "gt": high > stop,
        "lt": low < start,
        "ge": high > stop or inside,
        "le": low < start or inside,
    }[prefix]


class Parameter:
    """One parameter of a search: which texts can be asked for, and what meets them."""

    def __init__(self, row: dict[str, str]) -> None:
        self.name, self.type, self.paths = row["param"], row["type"], row["paths"]

    def texts(self, resource: Json) -> Iterator[str]:
        """What this resource can be found by."""
        for value in at(resource, self.paths):
            yield from self._texts(value)

    def _texts(self, value: Any) -> Iterator[str]:
        if self.type in DATES:
            bound = value if isinstance(value, str) else value.get("start") or value["end"]
            yield from (f"{prefix}{bound[:10]}" for prefix in ("", "ge", "le", "gt", "lt"))
        elif self.type == "Reference" and "reference" in value:
            yield value["reference"].rpartition("/")[2]
            yield value["reference"]
        elif self.type in ("CodeableConcept", "Coding"):
            for coding in value.get("coding", [value]):
                if "code" not in coding:
                    continue
                yield f"{coding.get('system', '')}|{coding['code']}"
                yield coding["code"]
        elif self.type == "Identifier":
            yield f"{value.get('system', '')}|{value['value']}"
        elif self.type in ("HumanName", "Address"):
            yield from itertools.islice(words(value), 2)
        elif isinstance(value, str):
            yield value

    def met(self, resource: Json, text: str) -> bool:
        return any(self._meets(value, text) for value in at(resource, self.paths))

    def _meets(self, value: Any, text: str) -> bool:
        if self.type in DATES:
            prefix, wanted = (text[:2], text[2:]) if text[0].isalpha() else ("eq", text)
            return compared(prefix, span(value), moment(wanted))
        if self.type == "Reference":
            held = value.get("reference", "")
            return bool(held == text or held.rpartition("/")[2] == text)
        if self.type in ("HumanName", "Address", "string"):
            parts = [value] if isinstance(value, str) else list(words(value))
            return any(part.casefold().startswith(text.casefold()) for part in parts)
        return text in self._texts(value)


def escaped(text: str) -> str:
    return text.replace(",", r"\,")


def words(value: Json) -> Iterator[str]:
    """The texts of a name or an address."""
    for name, part in value.items():
        if name not in ("use", "type", "period", "extension"):
            yield from part if isinstance(part, list) else [part]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loaded(fhir: httpx2.AsyncClient) -> AsyncIterator[list[Json]]:
    """The examples, stored."""
    resources = examples()
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await fhir.post("/fhir", json=bundle)
    assert answer.status_code == 200, answer.text[:500]
    yield resources


def searches() -> list[tuple[str, tuple[str, ...]]]:
    """Type and parameters of every search of the table."""
    try:
        required = rows("required-searches.csv")
    except pytest.skip.Exception:
        return []
    return sorted({(row["resource"], tuple(row["params"].split("+"))) for row in required})


def asked_for(type: str, names: tuple[str, ...]) -> list[Parameter]:
    profiles = {r["profile"] for r in rows("required-searches.csv") if r["resource"] == type}
    defined = {r["param"]: r for r in rows("search-definitions.csv") if r["profile"] in profiles}
    return [Parameter(defined[name]) for name in names]


@pytest.mark.parametrize(("type", "names"), searches(), ids=lambda one: one and str(one))
async def test_search(
    fhir: httpx2.AsyncClient, loaded: list[Json], type: str, names: tuple[str, ...]
) -> None:
    own = [one for one in loaded if one["resourceType"] == type]
    parameters = asked_for(type, names)
    queries: dict[tuple[str, ...], None] = {}
    for resource in own:
        choices = [list(dict.fromkeys(one.texts(resource)))[:5] for one in parameters]
        for combination in itertools.islice(itertools.product(*choices), VALUES * len(names)):
            queries[combination] = None
    if not queries:
        pytest.skip("no example has all of these")
    matched = 0
    for texts in list(queries)[:40]:
        pairs = list(zip(parameters, texts, strict=True))
        expected = {one["id"] for one in own if all(p.met(one, text) for p, text in pairs)}
        query = "&".join(f"{p.name}={quote(escaped(text), safe='|:/')}" for p, text in pairs)
        answer = await fhir.get(f"/fhir/{type}?{query}&_count=200")
        assert answer.status_code == 200, (query, answer.text)
        found = {entry["resource"]["id"] for entry in answer.json().get("entry", ())}
        assert found == expected, query
        matched += len(expected)
    assert matched


async def test_several_values_are_any_of_them(fhir: httpx2.AsyncClient, loaded: list[Json]) -> None:
    statuses = ["final", "preliminary"]
    for codes in (["85354-9", "8867-4"], ["29463-7"]):
        expected = {
            one["id"]
            for one in loaded
            if one["resourceType"] == "Observation"
            and one["status"] in statuses
            and {c["code"] for c in one["code"]["coding"]} & set(codes)
        }
        query = f"status={','.join(statuses)}&code={','.join(codes)}&_count=200"
        answer = await fhir.get(f"/fhir/Observation?{query}")
        assert {entry["resource"]["id"] for entry in answer.json()["entry"]} == expected
        assert expected


async def test_provenance_comes_with_what_it_is_about(
    fhir: httpx2.AsyncClient, loaded: list[Json]
) -> None:
    targets = {
        target["reference"]
        for one in loaded
        if one["resourceType"] == "Provenance"
        for target in one["target"]
    }
    stored = {f"{one['resourceType']}/{one['id']}" for one in loaded}
    assert targets & stored
    for target in sorted(targets & stored):
        type, _, id = target.partition("/")
        answer = await fhir.get(f"/fhir/{type}?_id={id}&_revinclude=Provenance:target")
        entries = answer.json()["entry"]
        assert "Provenance" in {entry["resource"]["resourceType"] for entry in entries}
