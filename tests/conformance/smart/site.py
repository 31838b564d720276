"""An application, its person and the server, in the steps that the tests are made of."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc.jwk import ECKey, RSAKey

from tests.conformance.asking import Json
from tests.conformance.smart.applications import ENDPOINT, SECRET
from tests.conformance.smart.moved_clock import MovedClock
from tests.fhir_server.smart.clients.asserting import claims, form, signed
from tests.fhir_server.smart.flow import App

BASIC = {"Authorization": "Basic " + base64.b64encode(f"secret:{SECRET}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header that brings a token."""
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Site(App):
    """The application `app`, as the parent has it, and services with keys."""

    clock: MovedClock = field(default_factory=MovedClock)
    keys: tuple[RSAKey, ECKey] | None = None
    held: dict[tuple[str, str | None], Json] = field(default_factory=dict)

    async def answer(self, scope: str, patient: str | None = None) -> Json:
        """A token answer that many tests look at and none ends."""
        if (scope, patient) not in self.held:
            self.held[scope, patient] = await self.granted(scope, patient)
        return self.held[scope, patient]

    async def allowed(self, scope: str, patient: str | None = None) -> str:
        """An access token that many tests use and none ends."""
        token: str = (await self.answer(scope, patient))["access_token"]
        return token

    async def call(
        self, method: str, path: str, token: str, body: Json | None = None
    ) -> httpx2.Response:
        """A request to the FHIR base."""
        headers = bearer(token)
        address = f"/fhir/{path}" if path else "/fhir"
        return await self.browser.request(method, address, headers=headers, json=body)

    async def opened(self, **context: Any) -> httpx2.Response:
        """What the EHR answers when the person opens the application in it."""
        return await self.user.post("/auth/launches", json={"client": self.client, **context})

    async def launched(self, scope: str, chosen: str | None = None, **context: Any) -> Json:
        """The token answer of an EHR launch. `chosen` is a patient picked on the way."""
        made = (await self.opened(**context)).json()
        asked = await self.ask(scope, launch=made["launch"])
        back = await self.decide(asked, patient=chosen)
        found: Json = (await self.exchange(back["code"])).json()
        return found

    def assertion(self, alg: str = "RS384", kid: str | None = "one", **changes: Any) -> str:
        """A JWT of `backend` that is right but for the changed claims; None leaves one out."""
        assert self.keys is not None
        key = self.keys[1] if alg.startswith("ES") else self.keys[0]
        return signed(key, claims(self.clock(), **{"aud": ENDPOINT, **changes}), alg, kid=kid)

    async def credentials(
        self, assertion: str, scope: str = "system/Patient.rs", **more: str
    ) -> httpx2.Response:
        """A token request of a service."""
        sent = {"grant_type": "client_credentials", "scope": scope, **more}
        return await self.token(form(assertion, **sent))

    async def service(self, scope: str = "system/Patient.rs") -> Json:
        """The token answer that the service `backend` gets."""
        answer = await self.credentials(self.assertion(), scope)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def introspected(self, token: str, by: str) -> Json:
        """What introspection tells of a token, asked with another."""
        answer = await self.browser.post(
            "/auth/introspect", data={"token": token}, headers=bearer(by)
        )
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def configuration(self) -> Json:
        """The smart-configuration document."""
        found: Json = (await self.browser.get("/fhir/.well-known/smart-configuration")).json()
        return found
