"""/api/hl7v2 for every kind of caller, and what an administrator is told and recorded with."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute

from fhir_server.clock import system_clock
from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork
from integrations.hl7v2.administration import Hl7v2Administration
from integrations.hl7v2.conversion import Mapping
from integrations.hl7v2.feeds.figures import gauges
from integrations.hl7v2.http import destinations_router, messages_router
from integrations.hl7v2.intake import Intake
from integrations.hl7v2.mapping.site import SiteMapping
from integrations.hl7v2.outbound.administration import OutboundAdministration
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.source import Source
from integrations.hl7v2.store.destinations import Destinations
from tests.fhir_server.rest.admin.conftest import ROLES, Clinic, Headers, clinic  # noqa: F401
from tests.integrations.hl7v2.running import Running, message, until

SETTINGS = Hl7v2Settings.model_validate(
    {
        "listeners": [{"name": "adt", "silence_seconds": 0.001}, {"name": "lab"}],
        "outbound": {
            "destinations": [
                {"name": "archive", "host": "127.0.0.1", "port": 9, "messages": ["ADT"]}
            ]
        },
    }
)
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
BODIES: dict[str, dict[str, Any]] = {
    "/api/hl7v2/messages/replay": {"ids": ["unknown"]},
    "/api/hl7v2/try": {"text": message("T1").decode()},
    "/api/hl7v2/sent/show": {"id": "unknown"},
    "/api/hl7v2/sent/resend": {"ids": ["unknown"]},
    "/api/hl7v2/sent/make-anew": {"id": "unknown"},
    "/api/hl7v2/sent/withdraw": {"id": "unknown"},
}


@dataclass
class Admin:
    """An administrator's client, and the server behind it."""

    clinic: Clinic
    bearer: Headers
    intake: Intake

    async def post(self, path: str, **sent: Any) -> httpx2.Response:
        return await self.clinic.post(f"hl7v2/{path}", sent, self.bearer)

    async def get(self, path: str) -> httpx2.Response:
        return await self.clinic.http.get(f"/api/hl7v2/{path}", headers=self.bearer)

    async def receive(self, raw: bytes, listener: str = "adt") -> str:
        receipt = await self.intake.receive(raw, Source(listener, "127.0.0.1"))
        return receipt.id

    async def recorded(self) -> list[str]:
        """What the audit trail says was asked for."""
        return [
            base64.b64decode(entity["query"]).decode()
            for one in await self.clinic.events()
            for entity in one.get("entity", ())
            if "query" in entity
        ]


@pytest.fixture
async def admin(clinic: Clinic, hl7: Running) -> Admin:  # noqa: F811
    app = clinic.http._transport.app  # type: ignore[attr-defined]
    app.include_router(messages_router())
    app.include_router(destinations_router())
    app.state.hl7v2_administration = Hl7v2Administration(
        clinic.server,
        SETTINGS,
        Mapping.of(SiteMapping(), SETTINGS.listeners),
        hl7.checking,
        clock=system_clock,
    )
    database = clinic.server.server.store.database
    app.state.hl7v2_outbound = OutboundAdministration(
        database, SETTINGS.outbound.destinations, clock=system_clock
    )
    return Admin(clinic, await clinic.token("admin"), hl7.intake)


async def test_role_by_route(admin: Admin) -> None:
    clinic = admin.clinic  # noqa: F811
    callers = {name: await clinic.token(name) for name in ROLES if name != "admin"}
    callers |= {"backend": await clinic.backend(), "nobody": {}}
    routes = [
        (method, one.path)
        for router in (messages_router(), destinations_router())
        for one in router.routes
        if isinstance(one, APIRoute)
        for method in one.methods
    ]
    assert len(routes) == 14
    for method, path in routes:
        address = path.replace("{id}", "unknown").replace("{name}", "archive")
        json = BODIES.get(path, {}) if method == "POST" else None
        for role, bearer in callers.items():
            answer = await clinic.http.request(method, address, json=json, headers=bearer)
            assert answer.status_code == (403 if bearer else 401), (role, path)
        answer = await clinic.http.request(method, address, json=json, headers=admin.bearer)
        assert answer.status_code in (200, 202, 204, 404), (path, answer.text)


async def test_a_message_is_found_shown_and_recorded(admin: Admin, hl7: Running) -> None:
    id = await admin.receive(message("C1", patient="4711", body="ZPD|1|x\r"))
    await admin.receive(message("C2", patient="4712"), "lab")
    await until(lambda: _done(hl7, 2))
    found = (await admin.post("messages/search", patient="4711")).json()
    (one,) = found["messages"]
    assert (one["id"], one["control"], one["type"]) == (id, "C1", "ADT^A08")
    page = (await admin.post("messages/search", count=1)).json()
    assert [one["control"] for one in page["messages"]] == ["C2"]
    page = (await admin.post("messages/search", count=1, after=page["next"])).json()
    assert [one["control"] for one in page["messages"]] == ["C1"]
    assert page["next"] is None
    assert (await admin.post("messages/count", listener="lab")).json() == {"count": 1}

    shown = (await admin.get(f"messages/{id}")).json()
    assert [one["id"] for one in shown["segments"]] == ["MSH", "PID", "ZPD"]
    assert shown["segments"][1]["fields"][4]["text"] == "Doe^Jane"
    assert "MSA|AA|C1" in shown["acknowledgement"]
    assert (await admin.get("messages/unknown")).status_code == 404
    recorded = await admin.recorded()
    assert f"hl7v2/messages/show?message={id}" in recorded
    assert "hl7v2/messages/search?patient=4711" in recorded
    refused = [one for one in await admin.clinic.events() if one["outcome"] == "4"]
    assert len(refused) == 1


async def test_what_a_directive_keeps_from_somebody_is_a_reference_only(
    admin: Admin, hl7: Running
) -> None:
    store = admin.clinic.server.server.store
    for patient in ("C1", "C2"):
        await store.transact(partial(_write, {"resourceType": "Patient", "id": patient}))
    denied = {"reference": "Practitioner/admin"}
    consent = {
        "resourceType": "Consent",
        "id": "no-admin",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/C1"},
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTIN"}]},
        "provision": {
            "type": "deny",
            "actor": [{"role": {"text": "recipient"}, "reference": denied}],
        },
    }
    bearer = await admin.clinic.backend()
    put = await admin.clinic.http.put("/fhir/Consent/no-admin", json=consent, headers=bearer)
    assert put.status_code == 201, put.text
    ids = [await admin.receive(message(control)) for control in ("C1", "C2", "C3")]
    await until(lambda: _done(hl7, 3))
    shown = [(await admin.get(f"messages/{id}")).json() for id in ids]
    assert [one["resources"] for one in shown] == [["Patient/C1"], ["Patient/C2"], ["Patient/C3"]]
    assert [one["withheld"] for one in shown] == [["Patient/C1"], [], []]
    assert [[found["id"] for found in one["fhir"]] for one in shown] == [[], ["C2"], []]
    refused = [one for one in await admin.clinic.events() if one["outcome"] == "4"]
    assert [one["entity"][0]["what"]["reference"] for one in refused] == ["Patient/C1"]


async def test_replay_by_ids_and_by_query(admin: Admin, hl7: Running) -> None:
    ids = [await admin.receive(message(f"C{number}")) for number in range(3)]
    await until(lambda: _done(hl7, 3))
    done = await admin.post("messages/replay", ids=ids[:1])
    assert done.json() == {"queued": 1, "without_bytes": 0}
    await until(lambda: _done(hl7, 1, "replayed"))
    done = await admin.post("messages/replay", query={"control": "C2"})
    assert done.json()["queued"] == 1
    await until(lambda: _done(hl7, 2, "replayed"))
    for wrong in ({}, {"ids": ids, "query": {}}, {"query": {"states": ["nonsense"]}}):
        assert (await admin.post("messages/replay", **wrong)).status_code in (400, 422)


async def test_trying_stores_nothing_and_tells_what_is_wrong(admin: Admin) -> None:
    told = (await admin.post("try", text=message("T1", body="ZPD|1|x\n").decode())).json()
    assert "Patient" in [one["key"] for one in told["drafts"]]
    assert [one["id"] for one in told["segments"] if one["outcome"] == "unmapped"] == ["ZPD"]
    assert (told["refused"], told["ignored"]) == ("", "")
    query = message("T2").decode().replace("ADT^A08^ADT_A01", "QRY^A19").partition("PID")[0]
    assert "QRY^A19" in (await admin.post("try", text=query)).json()["ignored"]
    assert (await admin.post("try", text="nonsense")).status_code == 400
    assert told["structure"] is None
    held = (await admin.post("try", text=message("T3").decode(), structure=True)).json()
    places = [(one["code"], one["place"]) for one in held["structure"]["findings"]]
    assert places == [("100", "EVN"), ("100", "PV1")]
    assert "Patient" in [one["key"] for one in held["drafts"]]
    assert (await admin.post("messages/count")).json() == {"count": 0}


async def test_feeds_and_their_warnings(admin: Admin, hl7: Running) -> None:
    await admin.receive(message("C1"))
    await admin.receive(b"nonsense", "lab")
    await until(lambda: _done(hl7, 1))
    database = admin.clinic.server.server.store.database
    assert (await admin.post("destinations/archive/pause")).status_code == 204
    told = (await admin.get("feeds")).json()
    adt, lab = told["listeners"]
    assert (adt["name"], adt["received_hour"], adt["warnings"]) == ("adt", 1, ["silence"])
    assert (lab["name"], lab["dead"], lab["warnings"]) == ("lab", 1, [])
    (archive,) = told["destinations"]
    assert (archive["paused"], archive["warnings"]) == (True, ["paused"])
    assert told["processing"] == "test"
    await admin.post("destinations/archive/resume")
    assert not (await Destinations(database).read("archive")).paused
    numbers = await gauges(database, SETTINGS, system_clock())
    assert numbers["listener"]["adt.received_hour"] == 1
    assert numbers["listener"]["lab.dead"] == 1
    assert numbers["destination"]["archive.backlog"] == 0


async def _write(resource: Resource, unit: UnitOfWork) -> None:
    await unit.create(resource)


async def _done(hl7: Running, count: int, state: str = "converted") -> bool:
    return (await hl7.store.counts()).get(state) == count
