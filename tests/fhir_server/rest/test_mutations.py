"""Valid resources spoilt at random: never a 500, and what is stored is what was sent.

A thousand bodies from fixed seeds: values replaced, removed, doubled or renamed somewhere in the
tree, and bytes changed in the JSON and XML text.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from typing import Any

import httpx2
import pytest

from fhir_server.formats.xml_writer import to_xml
from fhir_server.resource import loads

CODE = {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]}
RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>A</p></div>',
        },
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Org"}],
        "extension": [{"url": "http://example.org/e", "valueDecimal": 1.50}],
        "identifier": [{"system": "urn:x", "value": "1", "period": {"start": "2020"}}],
        "name": [{"family": "A", "given": ["B", "C"], "_given": [None, {"id": "c"}]}],
        "birthDate": "1990-02-28",
        "_birthDate": {"extension": [{"url": "urn:t", "valueDateTime": "1990-02-28T10:00:00Z"}]},
        "deceasedBoolean": False,
        "managingOrganization": {"reference": "#o"},
    },
    {
        "resourceType": "Observation",
        "meta": {"tag": [{"system": "urn:t", "code": "x"}], "profile": ["urn:p"]},
        "status": "final",
        "code": CODE,
        "subject": {"reference": "Patient/p"},
        "effectivePeriod": {"start": "2020-01-01T10:00:00+02:00", "end": "2020-01-02"},
        "component": [
            {"code": CODE, "valueQuantity": {"value": 72.0, "unit": "/min"}},
            {"code": CODE, "valueRange": {"low": {"value": 1}, "high": {"value": 2}}},
        ],
        "referenceRange": [{"low": {"value": 60}, "text": "usual"}],
    },
    {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [
            {
                "linkId": "1",
                "type": "group",
                "item": [
                    {
                        "linkId": "1.1",
                        "type": "choice",
                        "answerOption": [{"valueCoding": {"code": "a"}}],
                        "enableWhen": [
                            {"question": "1", "operator": "exists", "answerBoolean": True}
                        ],
                    }
                ],
            }
        ],
    },
    {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": "urn:uuid:0f3a0f6e-8c6d-4d65-9a0c-1f6b3e1a0b11",
                "resource": {"resourceType": "Basic", "code": CODE},
            }
        ],
    },
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", " ", "x", "\u0000", "a\u0301", "2020-02-30", "#", "#o",
    "$where", "Patient/../x", [], {}, [[]], [None],
    {"$gt": ""}, {"a.b": 1}, {"resourceType": "Nothing"},
    "9" * 5000, "<script>", "urn:uuid:x", {"reference": "Patient/p"}, {"coding": "x"},
]  # fmt: skip


def spoilt(resource: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A copy with one to three changes."""
    copied = copy.deepcopy(resource)
    for _ in range(dice.randint(1, 3)):
        holder, key = dice.choice(list(places(copied)) or [(copied, "resourceType")])
        change = dice.randrange(4)
        if change == 0:
            holder[key] = copy.deepcopy(dice.choice(VALUES))
        elif change == 1:
            del holder[key]
        elif change == 2 and isinstance(holder, dict):
            holder[dice.choice(["x", "_" + str(key), "value", "$set", "a.b"])] = holder.pop(key)
        else:
            holder[key] = [copy.deepcopy(holder[key])] * 2
    return copied


def places(value: Any) -> Any:
    """Every (holder, key or position) in a tree."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(pairs):
        yield value, key
        if isinstance(one, dict | list):
            yield from places(one)


def flipped(content: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, removed or doubled."""
    data = bytearray(content)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(data))
        data[at : at + dice.randint(0, 2)] = dice.randbytes(dice.randint(0, 2)) or b'"'
    return bytes(data)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one["resourceType"])
async def test_the_unspoilt_is_accepted(fhir: httpx2.AsyncClient, resource: dict[str, Any]) -> None:
    answer = await fhir.post(f"/fhir/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one["resourceType"])
async def test_spoilt_trees(fhir: httpx2.AsyncClient, resource: dict[str, Any]) -> None:
    statuses: Counter[int] = Counter()
    dice = random.Random(11)
    for _ in range(150):
        body = spoilt(resource, dice)
        answer = await fhir.post(f"/fhir/{resource['resourceType']}", json=body)
        statuses[answer.status_code] += 1
        assert answer.status_code in (201, 400, 422), (answer.status_code, body)
        if answer.status_code == 201:
            stored = answer.json()
            stored.pop("id")
            stored["meta"] = {
                k: v for k, v in stored["meta"].items() if k not in ("versionId", "lastUpdated")
            }
            body.pop("id", None)
            sent = {k: v for k, v in (body.get("meta") or {}).items() if k in stored["meta"]}
            assert stored == {**body, "meta": sent}
        else:
            assert answer.json()["resourceType"] == "OperationOutcome"
    assert statuses[201]
    assert statuses[422]


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("format", ["json", "xml"])
async def test_spoilt_texts(fhir: httpx2.AsyncClient, format: str) -> None:
    statuses: Counter[int] = Counter()
    dice = random.Random(5)
    headers = {"Content-Type": f"application/fhir+{format}"}
    for number in range(400):
        resource = RESOURCES[number % len(RESOURCES)]
        text = json.dumps(resource).encode()
        content = flipped(to_xml(loads(text)) if format == "xml" else text, dice)
        answer = await fhir.post(
            f"/fhir/{resource['resourceType']}", content=content, headers=headers
        )
        statuses[answer.status_code] += 1
        assert answer.status_code in (201, 400, 422), (answer.status_code, content)
    assert statuses[400]
    assert statuses[201]
