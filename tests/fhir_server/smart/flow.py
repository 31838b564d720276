"""An application that goes through the authorization code flow, as RFC 6749 and SMART have it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from fhir_server.server import FhirServer
from fhir_server.store.smart.clients import Client

REDIRECT = "https://app.example/callback"
VERIFIER = "v" * 60
ALL = (
    "openid",
    "fhirUser",
    "launch",
    "launch/patient",
    "launch/encounter",
    "offline_access",
    "online_access",
    "patient/*.cruds",
    "user/*.cruds",
    "system/*.cruds",
)


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def public_client(id: str = "app", **more: Any) -> Client:
    values: dict[str, Any] = {
        "id": id,
        "name": "Growth chart",
        "redirect_uris": (REDIRECT,),
        "method": "none",
        "scopes": ALL,
        "grants": ("authorization_code", "refresh_token"),
        "owner": "test",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
        "launch_url": "https://app.example/launch",
    }
    return Client(**(values | more))


@dataclass
class App:
    """`browser` has no token, `user` holds that of who signed in."""

    server: FhirServer
    browser: httpx2.AsyncClient
    user: httpx2.AsyncClient
    client: str = "app"
    extra: dict[str, str] = field(default_factory=dict)

    def request(self, scope: str, **changes: str | None) -> dict[str, str]:
        sent: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": "s" * 22,
            "aud": "http://test/fhir",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in sent.items() if value is not None}

    async def ask(self, scope: str, method: str = "GET", **changes: str | None) -> httpx2.Response:
        sent = self.request(scope, **changes)
        if method == "GET":
            return await self.browser.get("/auth/authorize", params=sent)
        return await self.browser.post("/auth/authorize", data=sent)

    async def decide(
        self, asked: httpx2.Response, scopes: list[str] | None = None, patient: str | None = None
    ) -> dict[str, str]:
        """The parameters that the application gets back."""
        assert asked.status_code == 303, asked.text
        id = query(asked.headers["location"])["request"]
        described = (await self.user.get(f"/auth/authorize/{id}")).json()
        chosen = described["scopes"] if scopes is None else scopes
        body = {"scopes": chosen, "patient": patient}
        answer = await self.user.post(f"/auth/authorize/{id}", json=body)
        assert answer.status_code == 200, answer.text
        return query(answer.json()["redirect"])

    async def code(self, scope: str, patient: str | None = None, **changes: str | None) -> str:
        return (await self.decide(await self.ask(scope, **changes), patient=patient))["code"]

    async def exchange(self, code: str, **changes: str | None) -> httpx2.Response:
        sent: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "client_id": self.client,
            **changes,
        }
        return await self.token({name: value for name, value in sent.items() if value is not None})

    async def refresh(self, token: str, **changes: str) -> httpx2.Response:
        sent = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client}
        return await self.token(sent | changes)

    async def token(self, form: dict[str, str]) -> httpx2.Response:
        return await self.browser.post("/auth/token", data=form)

    async def granted(self, scope: str, patient: str | None = None) -> dict[str, Any]:
        answer = await self.exchange(await self.code(scope, patient))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, path: str, token: str) -> httpx2.Response:
        return await self.browser.get(f"/fhir/{path}", headers={"Authorization": f"Bearer {token}"})


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
