"""What comes with the token. scopes-and-launch-context.html, launch context; conformance.html."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.asking import Json
from tests.conformance.smart.site import Site
from tests.fhir_server.smart.flow import query

SCOPE = "launch patient/Patient.rs"
ROLE = "https://ehr.example/roles/comparison"
ITEMS: list[Json] = [
    {"reference": "ImagingStudy/i1"},
    {"reference": "ImagingStudy/i2", "role": ROLE},
    {"canonical": "https://ehr.example/Questionnaire/q|1", "type": "Questionnaire"},
    {"identifier": {"system": "urn:oid:1.2.3", "value": "7"}, "type": "ServiceRequest"},
    {"reference": "Patient/b", "role": ROLE},
    {"reference": "DocumentReference/d", "role": "launch"},
]


@pytest.mark.requirement(168, 169, 170, 171, 173, 174, 175, 176, 352, 359, 360, 361, 362)
async def test_an_ehr_launch_brings_what_is_open(site: Site) -> None:
    opened = {"patient": "a", "encounter": "a-visit", "intent": "reconcile-medications"}
    body = await site.launched(SCOPE, **opened)
    assert {name: body[name] for name in opened} == opened
    assert body["access_token"]
    assert body["need_patient_banner"] is True
    assert body["tenant"] == "hospital-1"
    style = await site.browser.get(body["smart_style_url"])
    assert style.headers["content-type"] == "application/json"
    assert style.json()["color_background"].startswith("#")
    assert (await site.read("Patient/a", body["access_token"])).status_code == 200
    assert (await site.read("Patient/b", body["access_token"])).status_code == 404


@pytest.mark.requirement(168)
async def test_nothing_is_told_that_is_not_open(site: Site) -> None:
    body = await site.launched("launch user/Patient.rs")
    assert not {"patient", "encounter", "intent", "fhirContext"} & body.keys()


@pytest.mark.requirement(353, 363, 364, 149, 168, 169, 170, 171)
async def test_a_standalone_launch_brings_what_is_chosen(site: Site) -> None:
    asked = await site.ask("launch/patient launch/encounter user/*.rs")
    id = query(asked.headers["location"])["request"]
    scopes = (await site.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    chosen = {"scopes": scopes, "patient": "b", "encounter": "b-visit"}
    answer = await site.user.post(f"/auth/authorize/{id}", json=chosen)
    body = (await site.exchange(query(answer.json()["redirect"])["code"])).json()
    assert (body["patient"], body["encounter"]) == ("b", "b-visit")


@pytest.mark.requirement(149)
async def test_context_that_no_scope_asks_for_is_not_given(site: Site) -> None:
    asked = await site.ask("user/*.rs")
    id = query(asked.headers["location"])["request"]
    chosen = {"scopes": ["user/*.rs"], "patient": "b", "encounter": "b-visit"}
    answer = await site.user.post(f"/auth/authorize/{id}", json=chosen)
    body = (await site.exchange(query(answer.json()["redirect"])["code"])).json()
    assert not {"patient", "encounter"} & body.keys()


@pytest.mark.requirement(164, 363, 367)
async def test_patient_scopes_bring_a_patient(site: Site) -> None:
    asked = await site.ask("patient/*.rs")
    id = query(asked.headers["location"])["request"]
    scopes = (await site.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    assert "launch/patient" in scopes
    refused = await site.user.post(f"/auth/authorize/{id}", json={"scopes": ["patient/*.rs"]})
    assert refused.status_code == 400
    chosen = {"scopes": ["patient/*.rs"], "patient": "a"}
    answer = await site.user.post(f"/auth/authorize/{id}", json=chosen)
    body = (await site.exchange(query(answer.json()["redirect"])["code"])).json()
    assert body["patient"] == "a"


@pytest.mark.requirement(164)
async def test_patient_scopes_bring_a_patient_where_the_ehr_has_none_open(site: Site) -> None:
    made = (await site.opened()).json()
    asked = await site.ask(SCOPE, launch=made["launch"])
    id = query(asked.headers["location"])["request"]
    scopes = (await site.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    assert "launch/patient" in scopes
    refused = await site.user.post(f"/auth/authorize/{id}", json={"scopes": scopes})
    assert refused.json()["error"] == "invalid_request"
    body = await site.launched(SCOPE, chosen="b")
    assert body["patient"] == "b"
    assert (await site.read("Patient/b", body["access_token"])).status_code == 200


@pytest.mark.requirement(164)
async def test_the_page_asks_for_a_patient_though_launch_was_asked_for(site: Site) -> None:
    asked = await site.ask(SCOPE)  # a standalone launch: there is no launch value
    id = query(asked.headers["location"])["request"]
    scopes = (await site.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    assert scopes == ["patient/Patient.rs", "launch/patient"]


@pytest.mark.requirement(172, 177, 178, 188)
async def test_other_resources_are_in_fhir_context(site: Site) -> None:
    body = await site.launched(SCOPE, patient="a", fhirContext=ITEMS)
    assert body["fhirContext"] == ITEMS
    assert body["patient"] == "a"


@pytest.mark.requirement(177, 178, 188)
@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": "ImagingStudy", "role": ROLE},
        {"reference": "Patient/b"},
        {"reference": "Encounter/b-visit", "role": "launch"},
        {"identifier": {"value": "7"}, "type": "Patient"},
        {"reference": "ImagingStudy/i1", "role": "comparison"},
        {"reference": "ImagingStudy/i1", "role": ""},
        {"reference": "https://ehr.example/fhir/ImagingStudy/i1"},
        {"reference": "Nothing/i1"},
        {"canonical": "https://ehr.example/x", "type": "Nothing"},
        "ImagingStudy/i1",
    ],
)
async def test_what_is_no_item_of_fhir_context(site: Site, item: Any) -> None:
    answer = await site.opened(patient="a", fhirContext=[item])
    assert answer.status_code in (400, 422)
    assert "launch" not in answer.json()


@pytest.mark.requirement(174, 194)
@pytest.mark.parametrize("intent", ["reconcile-medications", "https://app.example/intents#1"])
async def test_an_intent_is_passed_on_as_it_is(site: Site, intent: str) -> None:
    assert (await site.launched(SCOPE, patient="a", intent=intent))["intent"] == intent


@pytest.mark.requirement(352, 353)
async def test_a_launch_value_works_once_and_for_its_application(site: Site) -> None:
    made = (await site.opened(patient="a")).json()
    assert made["iss"] == "http://test/fhir"
    foreign = {"client_id": "other", "redirect_uri": "https://other.example/callback"}
    back = query((await site.ask(SCOPE, launch=made["launch"], **foreign)).headers["location"])
    assert back["error"] == "invalid_request"
    own = await site.ask(SCOPE, launch=made["launch"])
    assert "request" in query(own.headers["location"])  # another's attempt has not used it up
    again = await site.ask(SCOPE, launch=made["launch"])
    assert query(again.headers["location"])["error"] == "invalid_request"


async def test_an_encounter_of_another_patient_is_not_opened(site: Site) -> None:
    for opened in (
        {"patient": "a", "encounter": "b-visit"},
        {"patient": "a", "encounter": "none"},
        {"encounter": "none"},
    ):
        answer = await site.user.post("/auth/launches", json={"client": "app", **opened})
        assert answer.status_code == 400, opened
        assert answer.json()["error"] == "invalid_request"


async def test_an_encounter_of_another_patient_is_not_chosen(site: Site) -> None:
    asked = await site.ask("launch/patient launch/encounter user/*.rs")
    id = query(asked.headers["location"])["request"]
    scopes = (await site.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    wrong = {"scopes": scopes, "patient": "a", "encounter": "b-visit"}
    assert (await site.user.post(f"/auth/authorize/{id}", json=wrong)).status_code == 400
    right = {**wrong, "encounter": "a-visit"}
    assert (await site.user.post(f"/auth/authorize/{id}", json=right)).status_code == 200


async def test_the_encounter_of_a_launch_binds_the_choice_of_patient(site: Site) -> None:
    opened = {"client": "app", "encounter": "b-visit"}
    launch = (await site.user.post("/auth/launches", json=opened)).json()["launch"]
    asked = await site.ask("launch launch/patient user/*.rs", launch=launch)
    id = query(asked.headers["location"])["request"]
    scopes = (await site.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    wrong = {"scopes": scopes, "patient": "a"}
    assert (await site.user.post(f"/auth/authorize/{id}", json=wrong)).status_code == 400
