"""Directives and labels hold for destinations; the audit trail has what left and what did not."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import structlog

from fhir_server.auth.directives import Directives
from fhir_server.auth.directives.rule import rules_of
from fhir_server.interactions.context import Server
from fhir_server.store import MongoStore
from fhir_server.store.connection import Database
from integrations.hl7v2.outbound.administration import MessageQuery, OutboundAdministration
from integrations.hl7v2.outbound.recipient import above, recipient_of
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.store.outbound_queue import OutboundQueue
from tests.integrations.hl7v2.destinations import Scripted, scripted
from tests.integrations.hl7v2.outbound.chart import (
    AT,
    DOCTOR,
    ENCOUNTER,
    MERGED,
    NOTE,
    PATIENT,
    POTASSIUM,
    PRESSURE,
    REPORT,
    SURVIVOR,
    destination,
)
from tests.integrations.hl7v2.outbound.sending import (
    Clock,
    open_store,
    plan,
    sender,
    server_on,
    write,
)

Resource = dict[str, Any]
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
PURPOSES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"
LAB = {"reference": {"reference": "Organization/lab"}}
DENIED_LAB: Resource = {"type": "deny", "actor": [LAB]}


def consent(provision: Resource, patient: str = "p1", **more: Any) -> Resource:
    return {
        "resourceType": "Consent",
        "id": f"of-{patient}",
        "status": "active",
        "scope": {"coding": [{"system": SCOPES, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"text": "The patient's word."},
        "provision": provision,
        **more,
    }


def labelled(resource: Resource, *labels: tuple[str, str]) -> Resource:
    security = [{"system": system, "code": code} for system, code in labels]
    return {**resource, "meta": {"security": security}}


RESTRICTED, MENTAL = (CONFIDENTIALITY, "R"), (ACT_CODE, "PSY")


@dataclass
class Sending:
    """Outbound by hand: what was written becomes messages, and each queue is worked off."""

    store: MongoStore
    server: Server
    receiver: Scripted
    clock: Clock = field(default_factory=Clock)

    def to(self, name: str = "lab", **changes: Any) -> DestinationSettings:
        port = self.receiver.port
        return destination(**{"name": name, "port": port, "messages": ["ADT", "ORU"], **changes})

    async def send(self, *destinations: DestinationSettings) -> None:
        self.clock.ahead += timedelta(minutes=10)
        for one in destinations:
            working = sender(self.store, one, self.clock, self.server)
            while await working.step() == 0:
                pass
            await working.aclose()

    async def all(self, *destinations: DestinationSettings) -> dict[str, set[str]]:
        """Which resources were told of to each destination, and to nobody `withheld` ones."""
        await plan(self.store, *destinations)
        await self.send(*destinations)
        found = await self.administration(*destinations).messages(MessageQuery(count=200))
        assert {one.state for one in found} <= {"acknowledged", "withheld"}
        return {
            given.name: {
                one.resource
                for one in found
                if (one.destination, one.state) == (given.name, "acknowledged")
            }
            for given in destinations
        }

    def administration(self, *destinations: DestinationSettings) -> OutboundAdministration:
        return OutboundAdministration(self.store.database, destinations, clock=self.clock)

    async def events(self) -> list[Resource]:
        """The AuditEvents, the oldest first."""
        page = await self.store.search({"type": "AuditEvent"}, count=100, ascending=True)
        return [one.resource() for one in page.entries]


@pytest.fixture
async def sending(database: Database) -> AsyncIterator[Sending]:
    store = await open_store(database)
    server = server_on(store)
    async with scripted() as receiver:
        yield Sending(store, server, receiver)
    await server.audit.aclose()


# What a patient says, and which of the destinations below are told of the patient.
DIRECTIVES: list[tuple[Resource, set[str]]] = [
    (DENIED_LAB, {"payer"}),
    ({"type": "deny", "actor": [{"reference": {"reference": "Organization/x"}}]}, {"lab", "payer"}),
    (
        {"type": "deny", "actor": [{"reference": {"reference": "Practitioner/x"}}]},
        {"lab", "payer", "unnamed"},
    ),
    ({"type": "deny", "actor": [{"reference": {"identifier": {"value": "lab"}}}]}, {"payer"}),
    ({"type": "deny", "actor": [{"reference": {"display": "my old clinic"}}]}, set()),
    ({"type": "deny", "purpose": [{"system": PURPOSES, "code": "TREAT"}]}, {"payer"}),
    ({"type": "deny", "purpose": [{"system": PURPOSES, "code": "HPAYMT"}]}, {"lab", "unnamed"}),
    ({"type": "deny", "provision": [{"type": "permit", "actor": [LAB]}]}, {"lab"}),
    ({"type": "deny", "action": [{"coding": [{"code": "disclose"}]}]}, set()),
    ({"type": "deny", "period": {"end": "2020-01-01"}}, {"lab", "payer", "unnamed"}),
]


@pytest.mark.parametrize(("provision", "expected"), DIRECTIVES)
def test_who_is_told_by_what_a_patient_says(provision: Resource, expected: set[str]) -> None:
    directives = Directives({"Consent/of-p1": rules_of(consent(provision))})
    settings = (
        destination(recipient="Organization/lab"),
        destination(name="payer", recipient="Organization/payer", purpose="HPAYMT"),
        destination(name="unnamed"),
    )
    refused = {
        one.name: directives.refusal(recipient_of(one), "Patient", "r", "", AT) for one in settings
    }
    assert {name for name, found in refused.items() if found is None} == expected


async def test_a_directive_holds_for_what_waits_and_resend_asks_again(sending: Sending) -> None:
    lab = sending.to(recipient="Organization/lab")
    administration = sending.administration(lab)
    await write(sending.store, PATIENT, SURVIVOR)
    await plan(sending.store, lab)
    await write(sending.store, consent(DENIED_LAB))
    with structlog.testing.capture_logs() as logs:
        await sending.send(lab)
    assert len(sending.receiver.received) == 1
    (withheld,) = await administration.messages(MessageQuery(state="withheld"))
    assert (withheld.resource, withheld.reason) == ("Patient/p1", "a directive of the patient")
    assert [one["outcome"] for one in withheld.trace] == ["withheld"]
    (figures,) = await administration.destinations()
    assert (figures.withheld, figures.backlog, figures.reason) == (1, 0, "")
    (line,) = [one for one in logs if one["event"] == "message withheld"]
    assert (line["control_id"], line["reason"]) == (withheld.control_id, "directive")
    assert not {"p1", "Brien"} & set(str(logs).replace("'", " ").replace("/", " ").split())

    assert await administration.resend_withheld("lab") == 1
    await sending.send(lab)  # it is denied still
    assert len(sending.receiver.received) == 1
    await write(sending.store, consent(DENIED_LAB, status="inactive"))
    await sending.send(lab)  # nothing leaves by itself
    assert len(sending.receiver.received) == 1
    assert await administration.resend([withheld.id]) == 1
    await sending.send(lab)
    assert sending.receiver.ids[1] == withheld.control_id


async def test_the_audit_trail_has_what_left_and_what_did_not(sending: Sending) -> None:
    lab = sending.to(recipient="Organization/lab", host="localhost")
    await write(sending.store, PATIENT, SURVIVOR, consent(DENIED_LAB))
    await sending.all(lab)
    refused, disclosed = await sending.events()
    assert (refused["outcome"], refused["outcomeDesc"]) == ("4", "HTTP 403 directive")
    assert disclosed["outcome"] == "0"
    assert disclosed["meta"]["profile"][0].endswith("PrivacyDisclosure.Source")
    who, by, here = disclosed["agent"]
    assert who["who"]["reference"] == "Organization/lab"
    assert who["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert (by["who"]["identifier"]["value"], by["network"]) == (
        "lab",
        {"address": "localhost", "type": "1"},
    )
    assert here["who"]["reference"] == "Device/aimed"
    for event, patient in ((refused, "Patient/p1"), (disclosed, "Patient/p2")):
        data, person, query = event["entity"]
        assert data["what"]["reference"] == person["what"]["reference"] == patient
        asked = base64.b64decode(query["query"]).decode()
        assert asked.startswith("hl7v2/send?destination=lab&type=ADT%5EA28&control=")


async def test_one_event_each_time_it_is_queued_and_none_before_a_byte_left(
    sending: Sending,
) -> None:
    await write(sending.store, PATIENT)
    lab = sending.to(retry={"first_seconds": 1})
    await plan(sending.store, lab)
    await sending.send(lab.model_copy(update={"port": 1}))
    assert await sending.events() == []
    sending.receiver.script = ["AE", "AA"]
    for _ in range(2):
        await sending.send(lab)
    assert len(sending.receiver.received) == 2
    (event,) = await sending.events()
    (agent, _) = event["agent"]
    assert (agent["requestor"], agent["who"]) == (True, {"identifier": {"value": "lab"}})
    assert agent["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    administration = sending.administration(lab)
    (sent,) = await administration.messages(MessageQuery())
    await administration.resend([sent.id])
    await sending.send(lab)
    assert len(await sending.events()) == 2


async def test_a_merge_is_disclosed_of_both_patients(sending: Sending) -> None:
    await write(sending.store, SURVIVOR, PATIENT)
    lab = sending.to(messages=["ADT^A40"])
    await sending.all(lab)
    await write(sending.store, MERGED)
    assert await sending.all(lab) == {"lab": {"Patient/p1"}}
    people = [
        one["what"]["reference"]
        for event in await sending.events()
        for one in event["entity"]
        if one["type"]["code"] == "1"
    ]
    assert sorted(people) == ["Patient/p1", "Patient/p2"]


@pytest.mark.parametrize(
    ("settings", "labels", "expected"),
    [
        ({}, [], None),
        ({}, [RESTRICTED], "confidentiality"),
        ({}, [MENTAL], "sensitivity"),
        ({}, [(CONFIDENTIALITY, "L"), RESTRICTED], "confidentiality"),
        ({"confidentiality": "M"}, [], "confidentiality"),  # what has no label is N
        ({"confidentiality": "M"}, [(CONFIDENTIALITY, "L")], None),
        ({"confidentiality": "R"}, [RESTRICTED], None),
        ({"confidentiality": "R"}, [(CONFIDENTIALITY, "V")], "confidentiality"),
        ({"confidentiality": "R", "sensitivity": ["PSY"]}, [RESTRICTED, MENTAL], None),
        ({"sensitivity": ["PSY"]}, [MENTAL, (ACT_CODE, "HIV")], "sensitivity"),
        ({"sensitivity": ["*"]}, [MENTAL, (ACT_CODE, "HIV")], None),
        ({}, [("urn:ours", "PSY"), (ACT_CODE, "TREAT")], None),
    ],
)
def test_what_labels_are_above_the_limit(
    settings: dict[str, Any], labels: list[tuple[str, str]], expected: str | None
) -> None:
    assert above(destination(**settings), labels) == expected


async def test_what_is_labelled_stays_and_the_rest_leaves(sending: Sending) -> None:
    lab = sending.to(messages=["ORU"])
    hiv = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B20"}]}
    await write(
        sending.store,
        PATIENT,
        labelled({**POTASSIUM, "id": "psy"}, MENTAL),
        {**POTASSIUM, "id": "hiv", "code": hiv},
        {**POTASSIUM, "id": "plain"},
    )
    assert await sending.all(lab) == {"lab": {"Observation/plain"}}
    found = await sending.administration(lab).messages(MessageQuery(state="withheld"))
    assert {one.resource: one.reason for one in found} == {
        "Observation/psy": "labelled sensitive",
        "Observation/hiv": "more confidential than this destination may get",
    }
    queue, now = OutboundQueue(sending.store.database), sending.clock()
    assert await queue.remove_expired(now + timedelta(days=29)) == 0
    assert await queue.remove_expired(now + timedelta(days=31)) == 3
    codes = [
        label["code"]
        for event in await sending.events()
        if event["outcome"] == "4"
        for label in event["entity"][0].get("securityLabel", ())
    ]
    assert {"R", "PSY", "HIV"} <= set(codes)


async def test_what_a_message_retells_counts_as_well(sending: Sending) -> None:
    lab = sending.to(messages=["ORU", "MDM"])
    condition = {"resourceType": "Condition", "id": "k", "subject": {"reference": "Patient/p1"}}
    section = {**NOTE["section"][0], "entry": [{"reference": "Condition/k"}]}
    await write(
        sending.store,
        PATIENT,
        DOCTOR,
        ENCOUNTER,
        PRESSURE,
        POTASSIUM,
        labelled(condition, RESTRICTED),
        REPORT,
        {**NOTE, "section": [section]},
        {**NOTE, "id": "c2"},
    )
    await plan(sending.store, lab)
    # After the messages were made, and before they leave.
    await write(sending.store, labelled(POTASSIUM, MENTAL))
    await sending.send(lab)
    found = await sending.administration(lab).messages(MessageQuery())
    assert {one.resource: one.state for one in found} == {
        "DiagnosticReport/r1": "withheld",
        "Composition/c1": "withheld",
        "Composition/c2": "acknowledged",
    }


async def test_a_version_is_judged_by_what_it_told(sending: Sending) -> None:
    lab = sending.to(messages=["ORU"])
    code = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}
    corrected = {"coding": [{"system": "http://loinc.org", "code": "2951-2"}]}
    await write(
        sending.store,
        PATIENT,
        POTASSIUM,
        {**POTASSIUM, "status": "corrected", "code": corrected},
        consent({"type": "deny", "code": [code]}),
    )
    await plan(sending.store, lab)
    await sending.send(lab)
    found = await sending.administration(lab).messages(MessageQuery())
    assert [(one.version, one.state) for one in found] == [(2, "acknowledged"), (1, "withheld")]


async def test_what_nobody_can_judge_is_withheld_until_it_is_made_anew(sending: Sending) -> None:
    lab = sending.to()
    await write(sending.store, PATIENT)
    (made,) = await plan(sending.store, lab)
    # As a version that did not note sources has left it.
    await sending.store.database["hl7v2_outbound"].update_one(
        {"_id": made.id}, {"$unset": {"sources": 1, "disclosed": 1}}
    )
    await sending.send(lab)
    administration = sending.administration(lab)
    (found,) = await administration.messages(MessageQuery(state="withheld"))
    assert sending.receiver.received == []
    await administration.make_anew(found.id)
    assert await sending.all(lab) == {"lab": {"Patient/p1"}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "BTG"},
        {"purpose": "PurposeOfUse"},
        {"purpose": "LUNCH"},
        {"recipient": "Patient/p1"},
        {"recipient": "lab"},
        {"confidentiality": "X"},
        {"sensitivity": ["N"]},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        destination(**wrong)
