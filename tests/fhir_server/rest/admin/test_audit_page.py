"""The audit trail as auditors see it, over HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

from fhir_server.audit import Access
from fhir_server.auth.caller import Caller
from tests.fhir_server.rest.admin.conftest import Clinic, Headers

ADAMS = Caller("Practitioner/p1", "Dr Adams", "", ("clinician",))
AUDITOR = "The auditor"
BAKER = Caller("Practitioner/p2", "Dr Baker", "", ("clinician",))


@pytest.fixture
async def auditor(clinic: Clinic) -> Headers:
    clinic.server.sealing._delay = 3600  # a test says when
    audit = clinic.server.server.audit
    for n in range(5):
        access = Access("read", entities=(f"Observation/o{n}",), patient="Patient/a")
        await audit.record(ADAMS, access)
    await audit.record(BAKER, Access("delete", 403, entities=("Patient/b",)))
    await audit.record(None, Access("login", 401, address="203.0.113.7"))
    return await clinic.token("auditor")


FOUND: tuple[tuple[dict[str, str], int], ...] = (
    ({"who": "adams"}, 5),
    ({"who": "Practitioner/p2"}, 1),
    ({"patient": "a"}, 5),
    ({"patient": "Patient/b"}, 1),
    ({"patient": "a", "who": "baker"}, 0),
    ({"action": "D"}, 1),
    ({"outcome": "4", "kind": "110122"}, 1),
    ({"until": "2001-01-01"}, 0),
    ({"since": "2001-01-01", "who": "adams"}, 5),
)
WRONG = ({"patient": "a&_x=1"}, {"since": "yesterday"}, {"action": "X"})


async def test_searching(clinic: Clinic, auditor: Headers) -> None:
    for asked, found in FOUND:
        answer = await clinic.post("audit/search", asked, auditor)
        assert answer.status_code == 200, answer.text
        # Looking at somebody's events is itself about that person, and recorded.
        others = [one for one in answer.json()["events"] if one["who"]["display"] != AUDITOR]
        assert len(others) == found, asked


async def test_an_event_in_a_row(clinic: Clinic, auditor: Headers) -> None:
    told = (await clinic.post("audit/search", {"who": "baker"}, auditor)).json()["events"][0]
    assert told["who"] == {"reference": "Practitioner/p2", "display": "Dr Baker"}
    assert (told["patients"], told["action"], told["outcome"]) == (["Patient/b"], "D", "4")
    told = (await clinic.post("audit/search", {"kind": "110122"}, auditor)).json()["events"][0]
    assert told["address"] == "203.0.113.7"


async def test_page_by_page(clinic: Clinic, auditor: Headers) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        sent = {"who": "adams", "count": 2, "cursor": cursor}
        page = (await clinic.post("audit/search", sent, auditor)).json()
        seen += [one["id"] for one in page["events"]]
        cursor = page["next"]
    assert cursor == ""
    assert len(set(seen)) == len(seen) == 5
    foreign = await clinic.post("audit/search", {"cursor": "x"}, auditor)
    assert foreign.status_code == 400


async def test_what_cannot_be_looked_for(clinic: Clinic, auditor: Headers) -> None:
    for asked in WRONG:
        for act in ("search", "export"):
            assert (await clinic.post(f"audit/{act}", asked, auditor)).status_code == 400, asked


async def test_exporting_all_of_it(clinic: Clinic, auditor: Headers) -> None:
    answer = await clinic.post("audit/export", {"who": "adams"}, auditor)
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert len(lines) == 5
    assert {one["resourceType"] for one in lines} == {"AuditEvent"}
    codes = [one["type"]["code"] for one in await clinic.events()]
    assert "110106" in codes
    none = await clinic.post("audit/export", {"who": "nobody of that name"}, auditor)
    assert (none.status_code, none.text) == (200, "")


async def test_the_chain_is_checked(clinic: Clinic, auditor: Headers) -> None:
    told = (await clinic.http.get("/api/audit/chain", headers=auditor)).json()
    assert (told["check"], told["waiting"]) == (None, True)
    await clinic.server.sealing.seal()
    checked = await check(clinic, auditor)
    assert checked["faults"] == 0
    assert checked["events"] >= 7
    assert checked["block"] == 1
    stored = clinic.server.server.store.database
    await stored["history"].delete_one({"type": "AuditEvent"})
    one = await stored["resources"].find_one({"type": "AuditEvent"})
    assert one is not None
    await stored["resources"].delete_one({"_id": one["_id"]})
    await stored["history"].delete_many({"type": "AuditEvent", "id": one["id"]})
    checked = await check(clinic, auditor)
    assert checked["faults"] >= 1
    assert "was removed" in checked["findings"][0]["text"]


async def check(clinic: Clinic, auditor: Headers) -> dict[str, object]:
    await clinic.server.sealing.seal()
    begun = await clinic.post("audit/chain/verify", {}, auditor)
    assert begun.status_code == 202
    async with asyncio.timeout(60):
        while True:
            told = (await clinic.http.get("/api/audit/chain", headers=auditor)).json()
            if not told["running"]:
                found: dict[str, object] = told["check"]
                return found


async def test_emergencies_for_administrators_too(clinic: Clinic, auditor: Headers) -> None:
    await clinic.server.server.store.transact(
        lambda unit: unit.put({"resourceType": "Patient", "id": "p"})
    )
    asked = {"patient": "p", "reason": "unconscious, allergies unknown"}
    nurse = await clinic.token("nurse")
    opened = await clinic.http.post("/auth/emergency", json=asked, headers=nurse)
    assert opened.status_code == 200, opened.text
    for bearer in (auditor, await clinic.token("admin")):
        told = (await clinic.post("admin/emergencies", {}, bearer)).json()["events"]
        assert [one["reason"] for one in told] == [asked["reason"]]
        assert told[0]["who"]["display"] == "The nurse"
        assert told[0]["patients"] == ["Patient/p"]


async def test_emergencies_page_by_page_and_recorded(clinic: Clinic, auditor: Headers) -> None:
    nurse = await clinic.token("nurse")
    for id in ("p", "q"):
        await clinic.server.server.store.transact(
            lambda unit, id=id: unit.put({"resourceType": "Patient", "id": id})
        )
        asked = {"patient": id, "reason": "unconscious, allergies unknown"}
        await clinic.http.post("/auth/emergency", json=asked, headers=nurse)
    admin = await clinic.token("admin")
    first = (await clinic.post("admin/emergencies", {"count": 1}, admin)).json()
    sent = {"count": 1, "cursor": first["next"]}
    second = (await clinic.post("admin/emergencies", sent, admin)).json()
    seen = [one["patients"] for one in (*first["events"], *second["events"])]
    assert seen == [["Patient/q"], ["Patient/p"]]
    assert second["next"] == ""
    assert (await clinic.post("admin/emergencies", {"cursor": "x"}, admin)).status_code == 400
    looks = {"who": "The admin", "patient": "q"}
    assert len((await clinic.post("audit/search", looks, auditor)).json()["events"]) == 1


async def test_an_administrator_reads_no_audit_events_by_fhir(
    clinic: Clinic, auditor: Headers
) -> None:
    admin = await clinic.token("admin")
    event = (await clinic.events())[0]["id"]
    for path in (
        "AuditEvent", f"AuditEvent/{event}", f"AuditEvent/{event}/_history", "?_type=AuditEvent",
    ):  # fmt: skip
        answer = await clinic.http.get(f"/fhir/{path}", headers=admin)
        assert answer.status_code == 403, path
        assert (await clinic.http.get(f"/fhir/{path}", headers=auditor)).status_code == 200, path
    for path in ("Patient/a/$everything", "Patient?_revinclude=AuditEvent:patient"):
        answer = await clinic.http.get(f"/fhir/{path}", headers=admin)
        assert '"resourceType":"AuditEvent"' not in answer.text, path
