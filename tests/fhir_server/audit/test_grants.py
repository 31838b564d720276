"""What authorization leaves in the trail: consent, tokens, and whose chart was opened to whom."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhir_server.validation.validator import validate
from tests.fhir_server.smart.conftest import app as app
from tests.fhir_server.smart.flow import App, query

CONSENT, TOKEN, DISCLOSURE, REVOCATION = "110135", "ITI-71", "disclose", "110135"


async def events(app: App, known: set[str]) -> list[dict[str, Any]]:
    page = await app.server.server.store.history({"type": "AuditEvent"}, count=200)
    made = [one.resource() for one in reversed(page.entries) if one.id not in known]
    known |= {one["id"] for one in made}
    assert [issue for one in made for issue in validate(one)] == []
    return [one for one in made if one["type"]["code"] != "rest"]


def told(event: dict[str, Any]) -> tuple[str, str, list[str]]:
    parts = event.get("entity", [])
    whose = [part["what"]["reference"] for part in parts if part["type"]["code"] == "1"]
    return event["subtype"][0]["code"], event["outcome"], whose


async def test_an_ehr_launch_discloses_the_chart(app: App) -> None:
    known: set[str] = set()
    await events(app, known)
    made = (await app.user.post("/auth/launches", json={"client": "app", "patient": "a"})).json()
    asked = await app.ask("launch online_access patient/*.rs", launch=made["launch"])
    answer = (await app.exchange((await app.decide(asked))["code"])).json()
    found = await events(app, known)
    assert [told(one) for one in found] == [
        (CONSENT, "0", ["Patient/a"]),
        (TOKEN, "0", []),
        (DISCLOSURE, "0", ["Patient/a"]),
    ]
    assert found[-1]["meta"]["profile"][0].endswith("IHE.BasicAudit.PrivacyDisclosure.Source")
    assert {"identifier": {"value": "app"}} in [agent["who"] for agent in found[-1]["agent"]]
    await app.refresh(answer["refresh_token"])  # the same chart to the same application
    assert [told(one) for one in await events(app, known)] == [(TOKEN, "0", [])]


async def test_refused_tokens_are_recorded(app: App) -> None:
    known: set[str] = set()
    code = await app.code("user/Patient.rs")
    await app.exchange(code)
    await events(app, known)
    for sent, client in ((code, "app"), (code, "nobody"), ("secret-value", "app")):
        answer = await app.exchange(sent, client_id=client)
        assert answer.status_code in (400, 401)
    found = await events(app, known)
    assert [told(one) for one in found] == [(TOKEN, "4", [])] * 3
    asked = [base64.b64decode(one["entity"][0]["query"]).decode() for one in found]
    assert "client_id=nobody" in asked[1]
    assert not any(code in one or "secret-value" in one for one in asked)


async def test_a_token_request_without_anything_is_recorded(app: App) -> None:
    known: set[str] = set()
    await events(app, known)
    assert (await app.token({"code": "secret-value"})).status_code == 401
    assert [told(one) for one in await events(app, known)] == [(TOKEN, "4", [])]


@pytest.mark.parametrize("path", ["introspect", "revoke"])
@pytest.mark.parametrize("secret", ["Basic YXBwOndyb25nLXNlY3JldA==", "Bearer wrong-secret"])
async def test_who_does_not_prove_who_they_are_is_recorded(
    app: App, path: str, secret: str
) -> None:
    known: set[str] = set()
    await events(app, known)
    headers, sent = {"Authorization": secret}, {"token": "wrong-token"}
    answer = await app.browser.post(f"/auth/{path}", data=sent, headers=headers)
    assert answer.status_code == 401
    found = await events(app, known)
    assert [told(one) for one in found] == [("110126", "4", [])]
    assert "wrong" not in str(found)


@pytest.mark.parametrize("what", [{"patient": "none"}, {"patient": "a", "encounter": "none"}])
async def test_who_tries_ids_is_recorded(app: App, what: dict[str, str]) -> None:
    asked = query((await app.ask("launch/patient launch/encounter")).headers["location"])["request"]
    known: set[str] = set()
    await events(app, known)
    decision = {"scopes": ["launch/patient", "launch/encounter"], **what}
    answers = (
        await app.user.post(f"/auth/authorize/{asked}", json=decision),
        await app.user.post("/auth/launches", json={"client": "app", **what}),
    )
    assert [one.status_code for one in answers] == [400, 400]
    page = await app.server.server.store.history({"type": "AuditEvent"}, count=200)
    made = [one.resource() for one in page.entries if one.id not in known]
    assert [issue for one in made for issue in validate(one)] == []
    refused = [one for one in made if one["outcome"] != "0"]
    tried = next(name for name, id in what.items() if id == "none").capitalize()
    assert [one["subtype"][0]["code"] for one in refused] == ["read", "read"]
    assert all(f"{tried}/none" in str(one["entity"]) for one in refused)
    assert all(one["agent"][0]["who"]["reference"] == "Practitioner/p1" for one in refused)
