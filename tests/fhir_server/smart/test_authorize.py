"""The authorization endpoint. SMART App Launch 2.2; RFC 6749 4.1, RFC 7636, RFC 9207."""

from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest

from tests.accounts import bearer, dr_adams
from tests.fhir_server.smart.flow import App, public_client, query


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_code_comes_back_with_state_and_issuer(app: App, method: str) -> None:
    asked = await app.ask("openid user/Patient.rs", method)
    assert asked.headers["cache-control"] == "no-store"
    back = await app.decide(asked)
    assert back["state"] == "s" * 22
    assert back["iss"] == "http://test"
    assert len(back["code"]) >= 43


@pytest.mark.parametrize(
    "changes", [{"client_id": "nobody"}, {"redirect_uri": "https://app.example/callback/"}]
)
async def test_to_an_unknown_place_nobody_is_sent(app: App, changes: dict[str, str]) -> None:
    answer = await app.ask("openid", **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"aud": "https://inferno.healthit.gov/invalid_aud"}, "invalid_target"),
        ({"aud": None}, "invalid_target"),
        ({"scope": "system/*.rs nonsense"}, "invalid_scope"),
        ({"launch": "made-up"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_refusals_are_told_to_the_application(
    app: App, changes: dict[str, str | None], error: str
) -> None:
    scope = changes.pop("scope", None) or "launch openid user/Patient.rs"
    answer = await app.ask(scope, **changes)
    back = query(answer.headers["location"])
    assert back["error"] == error
    assert back.get("state", "s" * 22) == "s" * 22
    assert "code" not in back


async def test_aud_with_a_slash_and_resource_will_do(app: App) -> None:
    assert "request" in (await app.ask("openid", aud="http://test/fhir/")).headers["location"]
    answer = await app.ask("openid", aud=None, resource="http://test/fhir")
    assert "request" in answer.headers["location"]


async def test_a_repeated_parameter_is_refused(app: App) -> None:
    pairs = [*app.request("openid").items(), ("scope", "openid")]
    assert (await app.browser.get("/auth/authorize", params=pairs)).status_code == 400
    json = await app.browser.post("/auth/authorize", json=app.request("openid"))
    assert json.json()["error"] == "invalid_request"


async def test_who_says_no_is_denied(app: App) -> None:
    back = await app.decide(await app.ask("openid user/*.rs"), scopes=[])
    assert (back["error"], back["state"]) == ("access_denied", "s" * 22)


async def test_less_may_be_granted_than_was_asked(app: App) -> None:
    asked = await app.ask("openid user/Condition.rs user/Patient.rs")
    chosen = ["openid", "user/Condition.rs?category=problem-list-item"]
    back = await app.decide(asked, scopes=chosen)
    answer = (await app.exchange(back["code"])).json()
    assert answer["scope"] == " ".join(chosen)
    assert (await app.read("Patient/a", answer["access_token"])).status_code == 403


async def test_more_may_not(app: App) -> None:
    asked = await app.ask("openid user/Patient.rs")
    id = query(asked.headers["location"])["request"]
    answer = await app.user.post(f"/auth/authorize/{id}", json={"scopes": ["user/*.cruds"]})
    assert answer.json()["error"] == "invalid_scope"


async def test_patient_scopes_ask_for_a_patient(app: App) -> None:
    asked = await app.ask("patient/*.rs")
    id = query(asked.headers["location"])["request"]
    assert "launch/patient" in (await app.user.get(f"/auth/authorize/{id}")).json()["scopes"]
    for patient in (None, "nobody"):
        body = {"scopes": ["patient/*.rs"], "patient": patient}
        answer = await app.user.post(f"/auth/authorize/{id}", json=body)
        assert answer.json()["error"] == "invalid_request"
    granted = await app.granted("patient/*.rs", "a")
    assert granted["patient"] == "a"
    assert (await app.read("Patient/a", granted["access_token"])).status_code == 200
    assert (await app.read("Patient/b", granted["access_token"])).status_code == 404


async def test_a_request_is_answered_once_and_by_one_person(app: App) -> None:
    asked = await app.ask("openid")
    id = query(asked.headers["location"])["request"]
    await app.decide(asked)
    again = await app.user.post(f"/auth/authorize/{id}", json={"scopes": ["openid"]})
    assert again.status_code == 400
    other = await app.ask("openid")
    number = query(other.headers["location"])["request"]
    assert (await app.user.get(f"/auth/authorize/{number}")).status_code == 200
    eve = replace(dr_adams(), username="eve", reference="Practitioner/e", display="Eve")
    await app.server.accounts.add(eve)
    answer = await app.browser.get(
        f"/auth/authorize/{number}", headers=await bearer(app.server, eve)
    )
    assert answer.status_code == 400


async def test_an_application_permits_itself_nothing(app: App) -> None:
    token = (await app.granted("openid user/*.cruds"))["access_token"]
    id = query((await app.ask("openid")).headers["location"])["request"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = await app.browser.post(
        f"/auth/authorize/{id}", json={"scopes": ["openid"]}, headers=headers
    )
    assert answer.status_code == 403


async def test_an_ehr_launch_brings_its_context(app: App) -> None:
    opened = {"client": "app", "patient": "a", "encounter": "e1", "intent": "reconcile"}
    made = (await app.user.post("/auth/launches", json=opened)).json()
    assert made["iss"] == "http://test/fhir"
    scope = "launch openid fhirUser patient/Patient.rs"
    asked = await app.ask(scope, launch=made["launch"])
    answer = (await app.exchange((await app.decide(asked))["code"])).json()
    assert (answer["patient"], answer["encounter"], answer["intent"]) == ("a", "e1", "reconcile")
    assert answer["need_patient_banner"] is True
    assert (await app.browser.get(answer["smart_style_url"])).status_code == 200
    again = query((await app.ask(scope, launch=made["launch"])).headers["location"])
    assert again["error"] == "invalid_request"


async def test_another_application_does_not_use_up_a_launch(app: App) -> None:
    await app.server.smart.clients.add(public_client("other"))
    made = (await app.user.post("/auth/launches", json={"client": "app", "patient": "a"})).json()
    scope = "launch openid patient/Patient.rs"
    refused = await app.ask(scope, launch=made["launch"], client_id="other")
    assert query(refused.headers["location"])["error"] == "invalid_request"
    answer = await app.exchange(
        (await app.decide(await app.ask(scope, launch=made["launch"])))["code"]
    )
    assert answer.json()["patient"] == "a"


async def test_long_scope_lists_by_post(app: App) -> None:
    types = ("Patient", "Observation", "Condition", "Encounter")
    scopes = [f"user/{type}.rs?_tag=t{number}" for number in range(100) for type in types]
    asked = await app.ask(" ".join(scopes), "POST")
    assert asked.status_code == 303
    assert "request" in query(asked.headers["location"])


async def test_what_was_permitted_is_listed_and_ended(app: App) -> None:
    granted = await app.granted("openid offline_access user/Patient.rs")
    (one,) = (await app.user.get("/auth/grants")).json()["grants"]
    assert one["client"] == "Growth chart"
    assert (await app.user.delete(f"/auth/grants/{one['id']}")).status_code == 204
    assert (await app.read("Patient/a", granted["access_token"])).status_code == 401
    assert (await app.refresh(granted["refresh_token"])).json()["error"] == "invalid_grant"


async def test_metadata_says_what_holds(app: App, anonymous: httpx2.AsyncClient) -> None:
    for path in ("/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration"):
        answer = await anonymous.get(path, headers={"Accept": "text/html", "Origin": "https://x"})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "https://x"
        stated = answer.json()
        assert stated["code_challenge_methods_supported"] == ["S256"]
        assert stated["issuer"] == "http://test"
        assert (await anonymous.get(stated["jwks_uri"])).status_code == 200
    security = (await anonymous.get("/fhir/metadata")).json()["rest"][0]["security"]
    uris = {one["url"]: one["valueUri"] for one in security["extension"][0]["extension"]}
    assert uris["authorize"] == stated["authorization_endpoint"]
    assert uris["token"] == stated["token_endpoint"]


async def test_what_was_asked_before_the_application_was_narrowed_is_granted_no_more(
    app: App,
) -> None:
    asked = await app.ask("patient/Observation.rs user/Patient.rs")
    client = await app.server.smart.clients.find("app")
    assert client is not None
    narrowed = await app.server.smart.clients.replace(replace(client, scopes=("user/Patient.rs",)))
    path = f"/auth/authorize/{query(asked.headers['location'])['request']}"
    assert (await app.user.get(path)).json()["scopes"] == ["user/Patient.rs", "launch/patient"]
    wide = {"scopes": ["patient/Observation.rs"], "patient": "a"}
    refused = await app.user.post(path, json=wide)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    await app.server.smart.clients.replace(replace(narrowed, status="disabled"))
    assert (await app.user.get(path)).json()["error"] == "invalid_request"
