"""The patients, directives and callers of world.json on one server, spoken to over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account
from tests.conformance.asking import LOINC, Json, coded, resource, to

HERE = Path(__file__).parent
WORLD: Json = json.loads((HERE / "world.json").read_text("utf-8"))
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LEVELS = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"


def full(row: Json) -> Json:
    """A resource, written out when the row is a short form of one."""
    if "OBSERVATION" in row:
        id = row["OBSERVATION"]
        level = [{"system": LEVELS, "code": row["security"]}] if "security" in row else []
        return resource(
            "Observation",
            id,
            **({"meta": {"security": level}} if level else {}),
            status="final",
            code=coded(LOINC, "8867-4"),
            category=[coded(CATEGORY, row.get("category", "laboratory"))],
            subject=to(f"Patient/{id[:2]}"),
            performer=[to("Practitioner/dry")],
            effectiveDateTime=row["date"],
        )
    if "CONDITION" in row:
        id = row["CONDITION"]
        code = coded("http://hl7.org/fhir/sid/icd-10-cm", row["code"])
        return resource("Condition", id, code=code, subject=to(f"Patient/{id[:2]}"))
    return row


def consent(row: Json) -> Json:
    """A Consent about privacy."""
    return resource(
        "Consent",
        row["id"],
        status=row.get("status", "active"),
        scope=coded(SCOPES, "patient-privacy"),
        category=[{"coding": [row["category"]]} if "category" in row else {"text": "privacy"}],
        patient=to(f"Patient/{row['patient']}"),
        policyRule=row.get("policyRule", {"text": "The patient's word."}),
        provision=row["provision"],
    )


def _address(one: Json) -> str:
    return f"{one['resourceType']}/{one['id']}"


class World:
    """One server with everything on it, and a client for every caller."""

    def __init__(self, server: FhirServer, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack
        self._clients: dict[str, httpx2.AsyncClient] = {}

    async def fill(self, *, directives: bool = True) -> None:
        """Write the resources, then the directives."""
        await self.put([full(one) for one in WORLD["resources"]])
        if directives:
            await self.put([consent(one) for one in WORLD["consents"]])

    async def put(self, rows: list[Json]) -> None:
        """Write some resources at once, as one whom no directive keeps from writing directives."""
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": _address(one)}} for one in rows
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await (await self.caller("admin")).post("/fhir", json=bundle)
        assert answer.status_code == 200, answer.text

    @asynccontextmanager
    async def holding(self, **caller: Any) -> AsyncIterator[httpx2.AsyncClient]:
        """A client for a while."""
        async with AsyncExitStack() as stack:
            yield await World(self._server, stack).holder(**caller)

    async def caller(self, name: str) -> httpx2.AsyncClient:
        """The client of a caller by the name in world.json."""
        if name not in self._clients:
            self._clients[name] = await self.holder(**WORLD["callers"][name])
        return self._clients[name]

    async def holder(
        self,
        *,
        reference: str,
        roles: list[str],
        scope: str,
        client: str = "",
        patient: str | None = None,
        emergency: str | None = None,
    ) -> httpx2.AsyncClient:
        """A client with a token of its own."""
        account = Account(reference, "", reference, reference, tuple(roles), scope)
        authenticator = self._server.authenticator
        if emergency is not None:
            token = await authenticator.issue(account, lifetime=600, emergency=emergency)
        else:
            token = await authenticator.issue_for(
                account, scope=scope, lifetime=600, client=client, patient=patient
            )
        app = FastAPI(openapi_url=None, redirect_slashes=False)
        fhir_app.mount(app, random_id)
        app.state.fhir = self._server
        return await self._stack.enter_async_context(
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://test",
                headers={"Authorization": f"Bearer {token.access_token}"},
            )
        )

    async def ask(self, name: str, method: str, address: str, body: str) -> httpx2.Response:
        """Send a request of the table; `body` is `-` or a name in world.json."""
        sent: dict[str, Any] = dict(WORLD["bodies"].get(body, {}))
        if "headers" in sent and "Content-Type" in sent["headers"]:
            sent["content"] = json.dumps(sent.pop("json"))
        path = quote(address, safe="?&=/:,*$%.()|-_")
        holder = await self.caller(name)
        url = "/fhir" if path == "./" else f"/fhir{'' if path[0] == '?' else '/'}{path}"
        return await holder.request(method, url, **sent)
