"""Which origins a browser lets read the answers. SMART App Launch 2.2, requirements 16 and 17."""

from __future__ import annotations

import pytest

from tests.fhir_server.smart.flow import App

OWN, FOREIGN = "https://app.example", "https://evil.example"


@pytest.mark.parametrize(
    ("method", "path", "origin", "allowed"),
    [
        ("GET", "/fhir/.well-known/smart-configuration", FOREIGN, True),
        ("GET", "/fhir/metadata", FOREIGN, True),
        ("GET", "/auth/jwks", FOREIGN, True),
        ("GET", "/fhir/Patient/a", OWN, True),
        ("GET", "/fhir/Patient/a", FOREIGN, False),
        ("GET", "/fhir/Patient/a", "null", False),
        ("POST", "/auth/token", OWN, True),
        ("POST", "/auth/token", FOREIGN, False),
        ("POST", "/auth/login", OWN, False),
        ("GET", "/auth/grants", OWN, False),
    ],
)
async def test_origins(app: App, method: str, path: str, origin: str, allowed: bool) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    preflight = await app.browser.options(path, headers=asked)
    answer = await app.browser.request(method, path, headers={"Origin": origin})
    for one in (preflight, answer):
        assert one.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert "access-control-allow-credentials" not in one.headers
    if allowed:
        assert preflight.status_code == 204
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_without_an_origin_nothing_is_added(app: App) -> None:
    answer = await app.user.get("/fhir/Patient/a")
    assert "access-control-allow-origin" not in answer.headers
