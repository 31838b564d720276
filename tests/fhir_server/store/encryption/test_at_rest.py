"""What the server keeps cannot be read without the key, and all of it works as without."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from typing import Any

import httpx2
import pyotp
from blockbuster import BlockBuster

from fhir_server.audit import Access
from fhir_server.audit.chain import Finding, verify
from fhir_server.auth.caller import SYSTEM
from fhir_server.server import FhirServer
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.connection import Database, connect
from tests.accounts import PASSWORD
from tests.encrypted import dump, shown

NAME = "Quillfeather"
SAID = "my knee hurts since Candlemas"
PIECE = b"-marker-of-the-scan-"
LARGE = random.Random(7).randbytes(300_000) + PIECE + random.Random(8).randbytes(400_000)
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": NAME}],
    "birthDate": "1961-02-03",
}
JSON = {"Accept": "application/fhir+json"}


def note(text: str) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/p1"},
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(text.encode()).decode(),
                }
            }
        ],
    }


async def test_nothing_is_readable_and_everything_works(
    fhir: httpx2.AsyncClient,
    database: Database,
    mongo_uri: str,
) -> None:
    assert (await fhir.put("/fhir/Patient/p1", json=PATIENT)).status_code == 201
    changed = {**PATIENT, "gender": "female"}
    assert (await fhir.put("/fhir/Patient/p1", json=changed)).json()["meta"]["versionId"] == "2"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": note(SAID), "request": {"method": "POST", "url": "DocumentReference"}}
            for _ in range(3)
        ],
    }
    answer = await fhir.post("/fhir", json=bundle)
    assert answer.status_code == 200, answer.text
    headers = {"Content-Type": "audio/flac", "X-Security-Context": "Patient/p1", **JSON}
    binary = (await fhir.post("/fhir/Binary", content=LARGE, headers=headers)).json()["id"]
    offer = (await fhir.post("/auth/account/totp", json={"password": PASSWORD})).json()
    code = pyotp.TOTP(offer["secret"]).now()
    assert (await fhir.post("/auth/account/totp/confirm", json={"code": code})).status_code == 200

    found = (await fhir.get("/fhir/Patient", params={"name": NAME[:5].lower()})).json()
    assert [one["resource"]["name"][0]["family"] for one in found["entry"]] == [NAME]
    first = (await fhir.get("/fhir/Patient/p1/_history/1")).json()
    assert (first["name"][0]["family"], first.get("gender")) == (NAME, None)
    assert len((await fhir.get("/fhir/Patient/p1/_history")).json()["entry"]) == 2
    everything = (await fhir.get("/fhir/Patient/p1/$everything")).json()["entry"]
    said = base64.b64encode(SAID.encode()).decode()
    data = [
        one["resource"]["content"][0]["attachment"]["data"]
        for one in everything
        if one["resource"]["resourceType"] == "DocumentReference"
    ]
    assert data == [said] * 3
    raw = {"Accept": "audio/flac"}
    assert (await fhir.get(f"/fhir/Binary/{binary}", headers=raw)).content == LARGE
    part = await fhir.get(f"/fhir/Binary/{binary}", headers={**raw, "Range": "bytes=261000-600000"})
    assert part.content == LARGE[261_000:600_001]

    stored = await dump(mongo_uri, database.name)
    words = (NAME, SAID, said, offer["secret"], PIECE, "1961-02-03", '"kty"')
    assert shown(stored, *words) == []
    assert {"resources", "history", "content.chunks", "second_factors", "secrets"} <= set(stored)


async def test_the_keys_of_the_server_are_encrypted(
    server: FhirServer, database: Database, mongo_uri: str
) -> None:
    await server.smart.keys.public()
    secret = server.server.cursor_key
    async with connect(mongo_uri) as client:
        keys = await client[database.name]["signing_keys"].find().to_list()
    assert keys
    assert all(one["private"].subtype == 6 for one in keys)
    assert shown(await dump(mongo_uri, database.name), secret) == []


async def test_a_version_that_was_put_in_another_place_is_refused(
    fhir: httpx2.AsyncClient, database: Database, mongo_uri: str
) -> None:
    await fhir.put("/fhir/Patient/p1", json=PATIENT)
    await fhir.put("/fhir/Patient/p2", json={**PATIENT, "id": "p2", "name": [{"family": "B"}]})
    await fhir.put("/fhir/Patient/p2", json={**PATIENT, "id": "p2", "name": [{"family": "C"}]})
    async with connect(mongo_uri) as client:
        plain = client[database.name]
        other = await plain["resources"].find_one({"_id": "Patient/p1"})
        old = await plain["history"].find_one({"_id": "Patient/p2/1"})
        for thief in (other, old):
            assert thief is not None
            change = {"$set": {"raw": thief["raw"]}}
            await plain["resources"].update_one({"_id": "Patient/p2"}, change)
            answer = await fhir.get("/fhir/Patient/p2")
            assert answer.status_code == 500
            issue = answer.json()["issue"][0]
            assert issue["diagnostics"] == (
                "What is stored as Patient/p2/2 was encrypted for another place."
            )
        spoilt = bytearray(other["raw"])
        spoilt[-1] ^= 1
        change = {"$set": {"raw": type(other["raw"])(bytes(spoilt), 6)}}
        await plain["resources"].update_one({"_id": "Patient/p1"}, change)
    answer = await fhir.get("/fhir/Patient/p1")
    assert answer.status_code == 500
    assert NAME not in answer.text


async def test_large_content_does_not_hold_up_the_others(fhir: httpx2.AsyncClient) -> None:
    content = random.Random(9).randbytes(8_000_000)
    longest, finished = 0.0, False

    async def beat() -> None:
        nonlocal longest
        while not finished:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    headers = {"Content-Type": "audio/flac", **JSON}
    made = await fhir.post("/fhir/Binary", content=content, headers=headers)
    beating = asyncio.create_task(beat())
    back = await fhir.get(f"/fhir/Binary/{made.json()['id']}", headers={"Accept": "audio/flac"})
    finished = True
    await beating
    assert back.content == content
    assert longest < 1.0


async def test_nothing_is_encrypted_in_the_event_loop(
    server: FhirServer, no_blocking: BlockBuster
) -> None:
    store = server.server.store
    await store.transact(lambda unit: unit.put(PATIENT))
    assert NAME.encode() in (await store.read("Patient", "p1")).raw


async def test_the_audit_trail_tells_of_an_event_that_was_replaced(
    server: FhirServer, database: Database, mongo_uri: str
) -> None:
    for patient in ("Patient/x", "Patient/y"):
        await server.server.audit.record(SYSTEM, Access("read", entities=(patient,)))
    await server.sealing.seal()
    chain = AuditChain(database)
    assert [one async for one in verify(chain, b"") if isinstance(one, Finding)] == []
    async with connect(mongo_uri) as client:
        events = client[database.name]["resources"]
        first, second = await events.find({"type": "AuditEvent"}).to_list()
        await events.update_one({"_id": first["_id"]}, {"$set": {"raw": second["raw"]}})
    findings = [one async for one in verify(chain, b"") if isinstance(one, Finding)]
    assert [one.place for one in findings] == [first["_id"]]
