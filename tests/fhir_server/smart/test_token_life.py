"""Tokens in any order of events: what ended stays ended, whatever is tried with it.

A family is all that comes of one authorization. It ends by a second use of its code or of a refresh
token, by revoking its refresh token, by the person's own hand, and when the account is disabled.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fhir_server import app as fhir_app
from fhir_server.auth.smart.discovery import Addresses
from fhir_server.clock import random_id, system_clock
from fhir_server.errors import NotAuthenticated
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.accounts import Account
from fhir_server.store.connection import connect
from tests.fhir_server.smart.flow import App, public_client

T = TypeVar("T")


@dataclass
class World:
    """One server for all examples; each has a person of its own."""

    runner: asyncio.Runner
    server: FhirServer
    browser: httpx2.AsyncClient
    user: httpx2.AsyncClient

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


@contextmanager
def world(mongo_uri: str) -> Iterator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        name = f"test_{uuid.uuid4().hex}"

        async def opened() -> World:
            client = await stack.enter_async_context(connect(mongo_uri))
            stack.push_async_callback(client.drop_database, name)
            server = await open_fhir_server(
                client[name],
                FhirSettings(),
                clock=system_clock,
                ids=random_id,
                secret=lambda: secrets.token_urlsafe(32),
            )
            stack.push_async_callback(server.aclose)
            await server.smart.clients.add(public_client())
            app = FastAPI(openapi_url=None, redirect_slashes=False)
            fhir_app.mount(app, random_id)
            app.state.fhir = server
            transport = httpx2.ASGITransport(app=app)
            browser, user = (
                httpx2.AsyncClient(transport=transport, base_url="http://test") for _ in range(2)
            )
            return World(runner, server, browser, user)

        try:
            yield runner.run(opened())
        finally:
            runner.run(stack.aclose())


@dataclass
class Family:
    code: str
    session: str
    offline: bool
    exchanged: bool = False
    ended: bool = False
    access: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    refresh: list[str] = field(default_factory=list)


class TokenLife(RuleBasedStateMachine):
    world: ClassVar[World]
    count: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).count += 1
        self.account = Account(
            f"u{self.count}", "", "Practitioner/p", "P", ("clinician",), "user/*.cruds"
        )
        self.app = App(self.world.server, self.world.browser, self.world.user)
        self.families: list[Family] = []
        self.disabled = False
        self.session = ""
        self.world.run(self.world.server.accounts.add(self.account))
        self._sign_in()

    def _sign_in(self) -> None:
        issued = self.world.run(self.world.server.authenticator.issue(self.account))
        self.session = issued.access_token
        self.app.user.headers["Authorization"] = f"Bearer {self.session}"

    def _pick(self, number: int) -> Family:
        return self.families[number % len(self.families)]

    def _took(self, family: Family, answer: httpx2.Response, expected: bool) -> None:
        assert answer.status_code == (200 if expected else 400), answer.text
        if expected:
            body = answer.json()
            family.access.append(body["access_token"])
            family.refresh.append(body["refresh_token"])

    def _may_go_on(self, family: Family) -> bool:
        online = family.offline or family.session == self.session
        return not family.ended and not self.disabled and online

    @precondition(lambda self: bool(self.session))
    @rule(offline=st.booleans())
    def authorize(self, offline: bool) -> None:
        kind = "offline_access" if offline else "online_access"
        code = self.world.run(self.app.code(f"{kind} user/Patient.rs"))
        self.families.append(Family(code, self.session, offline))

    @precondition(lambda self: bool(self.families))
    @rule(number=st.integers(0, 9))
    def exchange(self, number: int) -> None:
        family = self._pick(number)
        answer = self.world.run(self.app.exchange(family.code))
        if family.exchanged:
            self._took(family, answer, expected=False)
            family.ended = True
            return
        expected = self._may_go_on(family)
        self._took(family, answer, expected)
        family.exchanged = expected

    @precondition(lambda self: any(family.refresh for family in self.families))
    @rule(number=st.integers(0, 9), old=st.booleans())
    def refresh(self, number: int, old: bool) -> None:
        family = self._pick(number)
        if not family.refresh or (old and len(family.refresh) < 2):
            return
        token = family.refresh[0] if old else family.refresh[-1]
        answer = self.world.run(self.app.refresh(token))
        if old:
            self._took(family, answer, expected=False)
            family.ended = True
            return
        self._took(family, answer, self._may_go_on(family))

    @precondition(lambda self: any(family.access for family in self.families))
    @rule(number=st.integers(0, 9), whole=st.booleans())
    def revoke(self, number: int, whole: bool) -> None:
        family = self._pick(number)
        if not family.access:
            return
        token = (family.refresh if whole else family.access)[-1]
        form = {"token": token, "client_id": "app"}
        assert self.world.run(self.app.browser.post("/auth/revoke", data=form)).status_code == 200
        if whole:
            family.ended = True
        else:
            family.revoked.add(token)

    @precondition(lambda self: bool(self.session))
    @rule()
    def sign_out(self) -> None:
        answer = self.world.run(self.app.user.post("/auth/logout"))
        assert answer.status_code in (200, 204)
        self.session = ""

    @precondition(lambda self: not self.session and not self.disabled)
    @rule()
    def sign_in_again(self) -> None:
        self._sign_in()

    @precondition(lambda self: bool(self.session))
    @rule()
    def take_all_back(self) -> None:
        grants = self.world.run(self.app.user.get("/auth/grants")).json()["grants"]
        for one in grants:
            gone = self.world.run(self.app.user.delete(f"/auth/grants/{one['id']}"))
            assert gone.status_code == 204
        for family in self.families:
            family.ended = True

    @precondition(lambda self: not self.disabled and len(self.families) > 1)
    @rule()
    def disable(self) -> None:
        server = self.world.server
        self.world.run(server.accounts.change(self.account.username, disabled=True))
        self.world.run(server.smart.grants.end_subject(self.account.username))
        self.disabled, self.session = True, ""
        for family in self.families:
            family.ended = True

    async def _opens(self, token: str) -> bool:
        try:
            await self.world.server.authenticator.authenticate(token)
        except NotAuthenticated:
            return False
        return True

    @invariant()
    def only_what_may_live_does(self) -> None:
        addresses = Addresses("http://test")
        inspection = self.world.server.smart.inspection
        for family in self.families:
            for token in family.access:
                told = self.world.run(inspection.introspect(token, addresses))
                assert told["active"] == (not family.ended and token not in family.revoked)
                assert told["active"] == self.world.run(self._opens(token))
            for token in family.refresh:
                told = self.world.run(inspection.introspect(token, addresses))
                assert told["active"] == (not family.ended and token == family.refresh[-1])


@pytest.mark.timeout(300)
def test_tokens_in_any_order_of_events(mongo_uri: str) -> None:
    with world(mongo_uri) as made:
        machine = type("Machine", (TokenLife,), {"world": made})
        chosen = settings(
            max_examples=8,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(machine, settings=chosen)
