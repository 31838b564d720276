"""Events hold to the patterns of IHE BALP 1.1, restated here rule by rule."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_server.audit import Access
from fhir_server.audit.event import audit_event
from fhir_server.audit.patterns import patterns
from fhir_server.auth.caller import SYSTEM, Caller
from fhir_server.validation.validator import validate

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DOCTOR = Caller("Practitioner/p", "Dr P", "user/*.rs", ("clinician",), client="app", purpose="BTG")
SOURCE, DESTINATION, APPLICATION, CUSTODIAN = "110153", "110152", "110150", "custodian"

# Interaction, action, then the type codes of the agents: user, client, server.
RULES = [
    ("read", "R", "IRCP", DESTINATION, SOURCE),
    ("vread", "R", "IRCP", DESTINATION, SOURCE),
    ("create", "C", "AUT", SOURCE, DESTINATION),
    ("update", "U", "AUT", SOURCE, DESTINATION),
    ("patch", "U", "AUT", SOURCE, DESTINATION),
    ("delete", "D", "CST", APPLICATION, CUSTODIAN),
    ("search-type", "E", "IRCP", SOURCE, DESTINATION),
    ("token", "E", "IRCP", APPLICATION, "AuthzOauthService"),
    ("disclosure", "R", "IRCP", DESTINATION, SOURCE),
]


def event(interaction: str, caller: Caller | None = DOCTOR, **told: Any) -> dict[str, Any]:
    access = Access(interaction, address="192.0.2.7", request_id="r1", **told)
    return audit_event(caller, access, at=NOW, site="fhir.example")


@pytest.mark.parametrize(("interaction", "action", "user", "client", "server"), RULES)
def test_who_takes_which_part(
    interaction: str, action: str, user: str, client: str, server: str
) -> None:
    made = event(interaction, entities=("Observation/o",), patient="Patient/x")
    assert (made["action"], made["outcome"]) == (action, "0")
    assert [one["type"]["coding"][0]["code"] for one in made["agent"]] == [user, client, server]
    assert [one["requestor"] for one in made["agent"]] == [True, False, False]
    person, application, here = made["agent"]
    assert "network" not in person
    assert (person["name"], person["role"]) == ("Dr P", [{"text": "clinician"}])
    assert person["purposeOfUse"][0]["coding"][0]["code"] == "BTG"
    assert application["who"] == {"identifier": {"value": "app"}}
    assert application["network"] == {"address": "192.0.2.7", "type": "2"}
    assert here["network"] == {"address": "fhir.example", "type": "1"}


def test_the_patient_the_data_and_the_request() -> None:
    made = event("read", entities=("Observation/o",), patient="Patient/x")
    told = [(one["type"]["code"], one["what"]) for one in made["entity"]]
    assert told == [
        ("2", {"reference": "Observation/o"}),
        ("1", {"reference": "Patient/x"}),
        ("XrequestId", {"identifier": {"value": "r1"}}),
    ]
    assert made["meta"]["profile"][0].endswith("/IHE.BasicAudit.PatientRead")


def test_a_patient_that_is_read_is_both_data_and_patient() -> None:
    codes = [one["type"]["code"] for one in event("read", entities=("Patient/x",))["entity"]]
    assert codes == ["2", "1", "XrequestId"]


def test_a_query_is_kept_raw() -> None:
    made = event("search-type", query="Patient?name=%24where", patients=("Patient/x", "Patient/y"))
    query = next(one for one in made["entity"] if one.get("role", {}).get("code") == "24")
    assert base64.b64decode(query["query"]) == b"Patient?name=%24where"
    assert "what" not in query
    assert made["meta"]["profile"][0].endswith("/IHE.BasicAudit.Query")  # of two patients
    one = event("search-type", query="Patient?name=x", patients=("Patient/x",))
    assert one["meta"]["profile"][0].endswith("/IHE.BasicAudit.PatientQuery")


def test_a_failure_claims_no_pattern_and_says_so() -> None:
    made = event("read", outcome=403, entities=("Patient/x",))
    assert (made["outcome"], made["outcomeDesc"]) == ("4", "HTTP 403")
    assert "meta" not in made
    assert event("read", outcome=503)["outcome"] == "8"


def test_a_backend_service_asks_by_itself() -> None:
    made = event("read", SYSTEM, entities=("Patient/x",))
    assert [one["requestor"] for one in made["agent"]] == [True, False]
    assert made["agent"][0]["who"]["reference"] == "Device/aimed"


def test_nobody() -> None:
    made = event("login", None, outcome=401)
    assert made["agent"][0]["who"] == {"display": "not authenticated"}


def test_a_reason_is_told() -> None:
    made = event("emergency-start", patient="Patient/x", reason="unconscious")
    assert made["purposeOfEvent"] == [{"text": "unconscious"}]
    assert made["subtype"][0]["code"] == "110127"


@pytest.mark.parametrize("interaction", sorted(patterns()))
def test_every_pattern_makes_a_valid_resource(interaction: str) -> None:
    made = event(interaction, entities=("Observation/o",), patient="Patient/x", query="q")
    assert [one for one in validate(made) if one.severity in ("error", "fatal")] == []
