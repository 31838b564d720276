"""Who guesses tokens of registration, or decides what is not theirs to decide, leaves a trace."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_server.smart.flow import REDIRECT, App, query

CLIENT = {"client_name": "Chart", "redirect_uris": [REDIRECT], "scope": "user/*.rs"}
WRONG = {"Authorization": "Bearer wrong"}


async def events(app: App) -> list[tuple[str, str, bool]]:
    """Subtype, outcome and whether somebody is named, of every AuditEvent, newest first."""
    page = await app.server.server.store.history({"type": "AuditEvent"}, count=100)
    found = [entry.resource() for entry in page.entries]
    return [
        (one["subtype"][0]["display"], one["outcome"], "Practitioner" in str(one["agent"]))
        for one in found
    ]


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
async def test_a_wrong_registration_token(app: App, method: str) -> None:
    path = "/auth/register" if method == "POST" else "/auth/register/app"
    body: Any = CLIENT if method in ("POST", "PUT") else None
    before = await events(app)
    answer = await app.browser.request(method, path, json=body, headers=WRONG)
    assert answer.status_code == 401
    assert await events(app) == [("Security Configuration", "4", False), *before]


async def test_a_registration_without_any_sense(app: App) -> None:
    before = await events(app)
    answer = await app.browser.post("/auth/register", content=b"{", headers=WRONG)
    assert answer.status_code == 400
    assert await events(app) == [("Security Configuration", "4", False), *before]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_decision_with_a_wrong_token(app: App, method: str) -> None:
    id = query((await app.ask("user/Patient.rs")).headers["location"])["request"]
    before = await events(app)
    body = {"scopes": ["user/Patient.rs"]} if method == "POST" else None
    path = f"/auth/authorize/{id}"
    answer = await app.browser.request(method, path, json=body, headers=WRONG)
    assert answer.status_code == 401
    assert await events(app) == [("Object Security Attributes Changed", "4", False), *before]


@pytest.mark.parametrize("scopes", [["user/*.cruds"], ["user/Patient.rs"] * 501])
async def test_a_decision_for_more_than_was_asked(app: App, scopes: list[str]) -> None:
    id = query((await app.ask("user/Patient.rs")).headers["location"])["request"]
    before = await events(app)
    answer = await app.user.post(f"/auth/authorize/{id}", json={"scopes": scopes})
    assert answer.status_code == 400
    assert await events(app) == [("Object Security Attributes Changed", "4", True), *before]
