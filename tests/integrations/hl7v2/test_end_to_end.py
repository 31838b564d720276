"""Other people's clients send over MLLP to the whole stack; what came of it is read by FHIR."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hl7
import hl7.client
import httpx2
import pytest
from hl7apy.core import Message as Hl7apyMessage
from hl7apy.parser import parse_message
from typer.testing import CliRunner, Result

from aimed.cli.hl7v2 import make_hl7v2
from aimed.embedded import Stack
from aimed.embedded.errors import StackError
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.integrations.hl7v2.mllp.test_peers import send_once

MRN = "urn:oid:1.2.840.2"


@dataclass
class Hospital:
    """A running stack, and somebody who may read everything on it."""

    port: int
    http: httpx2.Client
    environment: dict[str, str]

    def all(self, type: str, **parameters: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"/fhir/{type}", params={**parameters, "_count": "200"})
        assert answer.status_code == 200, answer.text
        return [one["resource"] for one in answer.json().get("entry", [])]

    def patient(self, mrn: str) -> dict[str, Any]:
        (found,) = self.all("Patient", identifier=f"{MRN}|{mrn}")
        return found

    def send(self, raw: str) -> str:
        """By python-hl7's client; MSA-1 of the answer."""
        with hl7.client.MLLPClient("127.0.0.1", self.port) as client:
            answer = client.send_message(raw)
        return str(hl7.parse(answer.strip(b"\x0b\x1c\r").decode()).segment("MSA")[1])

    def command(self, *arguments: str) -> Result:
        """`aimed hl7v2 ...` in this process, with the environment of an operator's shell."""
        return CliRunner().invoke(make_hl7v2(), arguments, env=self.environment)

    def json(self, *arguments: str) -> Any:
        done = self.command(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def until(self, found: Callable[[], Any]) -> Any:
        """What `found` gives once it gives something."""
        end = time.monotonic() + 90
        while time.monotonic() < end:
            if something := found():
                return something
            time.sleep(0.05)
        pytest.fail("It did not come.")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    stack = Stack(Settings(), tmp_path_factory.mktemp("hospital"))
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(120)
        try:
            login = stack.first_login
            assert login is not None
            with httpx2.Client(base_url=stack.http_url, timeout=60) as http:
                sent = {"username": login.username, "password": login.password}
                token = http.post("/auth/login", json=sent).json()["access_token"]
                http.headers["Authorization"] = f"Bearer {token}"
                environment = {
                    "AIMED_MONGO__URI": stack.mongo_uri,
                    "AIMED_REDIS__URI": stack.redis_uri,
                }
                yield Hospital(stack.listeners[0].port, http, environment)
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)


def adt(trigger: str, control: str, mrn: str, family: str, rest: str = "") -> str:
    return (
        f"MSH|^~\\&|HIS|CITY^1.2.840.1^ISO|AIMED|AIMED|20260131081500+0100||"
        f"ADT^{trigger}|{control}|P|2.5.1\r"
        f"EVN|{trigger}|20260131081500+0100\r"
        f"PID|1||{mrn}^^^CITY&1.2.840.2&ISO^MR||{family}^ADAM||19610615|M\r{rest}"
    )


def visit(number: str) -> str:
    return (
        f"PV1|1|I|2000^2012^01^CITY||||004777^ATTEND^AARON|||SUR|||||||||{number}^^^CITY^VN|||||||"
        "||||||||||||||||||20260131080000+0100\r"
    )


def oru(control: str, mrn: str, family: str, potassium: str) -> str:
    return (
        f"MSH|^~\\&|LAB|CITY^1.2.840.1^ISO|AIMED|AIMED|20260131091500+0100||ORU^R01^ORU_R01|"
        f"{control}|P|2.5.1\r"
        f"PID|1||{mrn}^^^CITY&1.2.840.2&ISO^MR||{family}^ADAM||19610615|M\r"
        f"OBR|1|P{control}|F{control}|24326-1^Electrolytes^LN|||20260131090000+0100|||||||||||||||"
        "20260131091400+0100|||F\r"
        f"OBX|1|NM|2823-3^Potassium^LN||{potassium}|mmol/L^mmol/L^UCUM|3.5-5.1|HH|||F|||"
        "20260131090000+0100\r"
    )


def test_an_admission_and_a_critical_result(hospital: Hospital) -> None:
    built = Hl7apyMessage("ADT_A01", version="2.5")
    built.msh.msh_3 = "HL7APY"
    built.msh.msh_4 = "CITY^1.2.840.1^ISO"
    built.msh.msh_7 = "20260131081500+0100"
    built.msh.msh_9 = "ADT^A01^ADT_A01"
    built.msh.msh_10 = "E1"
    built.msh.msh_11 = "P"
    built.pid.pid_3 = "E1^^^CITY&1.2.840.2&ISO^MR"
    built.pid.pid_5 = "EVERYMAN^ADAM"
    built.pv1.pv1_2 = "I"
    built.pv1.pv1_19 = "VE1^^^CITY^VN"
    framed = send_once(hospital.port, built.to_mllp().encode())
    answer = parse_message(framed.strip(b"\x0b\x1c\r").decode(), find_groups=False)
    assert answer.msa.msa_1.value == "AA"
    assert hospital.send(oru("E2", "E1", "EVERYMAN", "7.1")) == "AA"

    (observation,) = hospital.until(lambda: hospital.all("Observation", code="2823-3"))
    patient = hospital.patient("E1")
    assert patient["name"][0]["family"] == "EVERYMAN"
    reference = f"Patient/{patient['id']}"
    assert observation["subject"]["reference"] == reference
    assert observation["valueQuantity"]["value"] == 7.1
    (encounter,) = hospital.all("Encounter", subject=reference)
    assert encounter["class"]["code"] == "IMP"
    targets = [one["reference"] for found in hospital.all("Provenance") for one in found["target"]]
    for wanted in (patient, encounter, observation):
        assert any(f"{wanted['resourceType']}/{wanted['id']}" in one for one in targets)
        assert wanted["meta"]["source"].startswith("urn:aimed:hl7v2:message:")
    (issue,) = hospital.all("DetectedIssue", patient=reference)
    assert issue["severity"] == "high"
    assert issue["status"] == "preliminary"


def test_a_merge_stays_and_a_replay_changes_nothing(hospital: Hospital) -> None:
    assert hospital.send(adt("A01", "M1", "M1", "FIRST", visit("VM1"))) == "AA"
    assert hospital.send(adt("A01", "M2", "M2", "SECOND", visit("VM2"))) == "AA"
    merge = adt("A40", "M3", "M1", "FIRST", "MRG|M2^^^CITY&1.2.840.2&ISO^MR\r")
    assert hospital.send(merge) == "AA"
    assert hospital.send(adt("A08", "M4", "M2", "SECOND", visit("VM2"))) == "AA"
    hospital.until(lambda: all(one["finished"] for one in _messages(hospital)))
    survivor, retired = hospital.patient("M1"), hospital.patient("M2")
    assert retired["active"] is False
    assert [one["type"] for one in retired["link"]] == ["replaced-by"]
    assert retired["link"][0]["other"]["reference"] == f"Patient/{survivor['id']}"
    assert "replaces" in [one["type"] for one in survivor["link"]]
    visits = hospital.all("Encounter", subject=f"Patient/{survivor['id']}")
    assert len(visits) == 2

    before = _versions(hospital)
    assert hospital.json("replay", "--all", "--yes", "--wait")["queued"] >= 4
    assert {one["state"] for one in _messages(hospital)} == {"replayed"}
    assert _versions(hospital) == before


def test_the_command_line(hospital: Hospital, tmp_path: Path) -> None:
    assert (
        hospital.send(adt("A01", "L1", "L1", "LINE", visit("VL1") + "ZPD|1|house rule\r")) == "AA"
    )
    listed = hospital.json("messages", "--control", "L1", "--type", "ADT^A01")
    (one,) = listed["messages"]
    assert one["patients"] == ["L1"]
    hospital.until(lambda: hospital.json("show", one["id"])["finished"])
    shown = hospital.json("show", one["id"])
    assert {"Patient", "Encounter"} <= {found["resourceType"] for found in shown["fhir"]}
    text = hospital.command("show", one["id"]).stdout
    assert "PID|1||L1^^^CITY&1.2.840.2&ISO^MR||LINE^ADAM" in text
    assert "unmapped: a Z-segment" in text

    file = tmp_path / "tried.hl7"
    file.write_text(adt("A01", "L2", "L2", "TRIED", visit("VL2")))
    tried = hospital.json("try", str(file))
    assert [draft["problem"] for draft in tried["drafts"] if draft["problem"]] == []
    assert "Patient" in [draft["key"] for draft in tried["drafts"]]
    assert hospital.json("messages", "--control", "L2")["messages"] == []

    (listener,) = hospital.json("feeds")["listeners"]
    assert (listener["name"], listener["warnings"]) == ("default", [])
    assert hospital.command("feeds").exit_code == 0
    done = hospital.command("replay", one["id"], "--yes", "--wait")
    assert done.stdout == "1 messages are queued again.\n"
    assert hospital.json("show", one["id"])["state"] == "replayed"
    unknown = hospital.command("destinations", "pause", "nowhere")
    assert isinstance(unknown.exception, StackError)
    assert "no destination of that name" in str(unknown.exception)
    assert isinstance(hospital.command("replay").exception, StackError)


def _messages(hospital: Hospital) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = hospital.json("messages")["messages"]
    return messages


def _versions(hospital: Hospital) -> dict[str, str]:
    return {
        f"{type}/{one['id']}": one["meta"]["versionId"]
        for type in ("Patient", "Encounter", "Observation", "Provenance", "DetectedIssue")
        for one in hospital.all(type)
    }
