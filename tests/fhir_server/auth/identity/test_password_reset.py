"""A forgotten password, from the question to the sign-in with the new one."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pyotp
import pytest
from blockbuster import BlockBuster
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.auth.identity.mail import Mailing
from fhir_server.auth.rate_limits import Quota
from fhir_server.clock import random_id, system_clock
from fhir_server.errors import Unavailable
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store import Outbox
from fhir_server.store.accounts import Token
from fhir_server.store.connection import Database
from fhir_server.store.smart.grants import Grant, GrantStore, RefreshToken
from integrations.notify import MailSettings, SmtpMailer
from tests.accounts import PASSWORD, USERNAME, dr_adams
from tests.mail_server import MailServer, mail_server

ADDRESS = "adams@clinic.example"
BETTER = "violet tractor mumbles"
SITE = "https://aimed.clinic.example"


@dataclass
class Ward:
    """A server with mail, whose clock can be moved, and the worker's part done when asked."""

    server: FhirServer
    database: Database
    http: httpx2.AsyncClient
    mail: MailServer
    moved: list[timedelta]

    async def ask(self, address: str = ADDRESS) -> httpx2.Response:
        return await self.http.post("/auth/password-reset", json={"email": address})

    async def work(self) -> int:
        """Do the jobs that lie in the outbox, as the worker does."""
        outbox = Outbox(self.database)
        done = [row for row in await outbox.pending() if row.topic == "job"]
        for row in done:
            send: Any = {
                "mail.password-reset": self.server.password_reset.send,
                "mail.notice": self.server.notices.send,
            }[row.type]
            await send(**row.data)
            await outbox.delivered([row.id])
        return len(done)

    async def token(self) -> str:
        """Of a mail that has just been asked for."""
        assert (await self.ask()).status_code == 202
        await self.work()
        return token_in(self.mail.text())

    async def finish(self, token: str, password: str = BETTER) -> httpx2.Response:
        sent = {"token": token, "password": password}
        return await self.http.post("/auth/password-reset/finish", json=sent)

    async def login(self, password: str) -> httpx2.Response:
        sent = {"username": USERNAME, "password": password}
        return await self.http.post("/auth/login", json=sent)

    @property
    def now(self) -> datetime:
        return system_clock() + sum(self.moved, timedelta())


def token_in(text: str) -> str:
    found = re.search(rf"{SITE}/reset#token=([\w-]+)", text)
    assert found is not None, text
    return found[1]


class Counting:
    """A limiter that counts in memory what `integrations.redis_limits` counts in Redis."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], int] = {}

    async def wait(self, quota: Quota, key: str) -> float:
        self.used[quota.name, key] = self.used.get((quota.name, key), 0) + 1
        return 30.0 if self.used[quota.name, key] > quota.amount else 0.0


@pytest.fixture(scope="module")
def smtp() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
async def ward(database: Database, smtp: MailServer) -> AsyncIterator[Ward]:
    smtp.answer = "250 OK"
    for kept in (smtp.mails, smtp.envelopes, smtp.sealed):
        kept.clear()
    moved: list[timedelta] = []
    settings = MailSettings(host="127.0.0.1", port=smtp.port, tls="none")
    mailer = SmtpMailer(settings, clock=system_clock, ids=random_id)
    server = await open_fhir_server(
        database,
        FhirSettings(),
        clock=lambda: system_clock() + sum(moved, timedelta()),
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
        mailing=Mailing(mailer, SITE),
        limiter=Counting(),
    )
    await server.accounts.add(replace(dr_adams(), email=ADDRESS))
    async with client_of(server) as client:
        yield Ward(server, database, client, smtp, moved)
    await server.aclose()


def client_of(server: FhirServer) -> httpx2.AsyncClient:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


async def test_from_the_mail_to_the_new_password(ward: Ward, no_blocking: BlockBuster) -> None:
    token = await ward.token()
    assert ward.mail.envelopes[0].rcpt_tos == [ADDRESS]
    assert USERNAME in ward.mail.text()
    assert (await ward.finish(token)).status_code == 204
    assert (await ward.login(PASSWORD)).status_code == 401
    assert (await ward.login(BETTER)).status_code == 200
    await ward.work()
    assert [mail["Subject"] for mail in ward.mail.mails] == [
        "Set a new password",
        "Your password was changed",
    ]


async def test_the_token_is_long_and_kept_as_a_hash_alone(ward: Ward) -> None:
    token = await ward.token()
    assert len(token) * 6 >= 128
    for name in await ward.database.list_collection_names():
        async for document in ward.database[name].find():
            assert token not in str(document), name


@pytest.mark.parametrize("minutes", [15, 16, 600])
async def test_it_ends_after_a_quarter_of_an_hour(ward: Ward, minutes: int) -> None:
    token = await ward.token()
    ward.moved.append(timedelta(minutes=minutes))
    answer = await ward.finish(token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "Ask for a new one" in answer.json()["error_description"]
    assert (await ward.login(PASSWORD)).status_code == 200


async def test_it_is_good_until_then(ward: Ward) -> None:
    token = await ward.token()
    ward.moved.append(timedelta(minutes=14))
    assert (await ward.finish(token)).status_code == 204


async def test_of_twenty_parallel_uses_one_succeeds(ward: Ward) -> None:
    token = await ward.token()
    words = [f"{BETTER} {number}" for number in range(20)]
    answers = await asyncio.gather(*(ward.finish(token, word) for word in words))
    assert sorted(one.status_code for one in answers) == [204] + [400] * 19
    winner = next(word for word, one in zip(words, answers, strict=True) if one.status_code == 204)
    assert (await ward.login(winner)).status_code == 200
    assert (await ward.finish(token)).status_code == 400


async def test_a_weak_password_leaves_the_link_usable(ward: Ward) -> None:
    token = await ward.token()
    weak = await ward.finish(token, "password12345")
    assert (weak.status_code, weak.json()["error"]) == (400, "weak_password")
    assert (await ward.finish(token)).status_code == 204


async def test_every_access_of_the_account_ends(ward: Ward) -> None:
    signed_in = (await ward.login(PASSWORD)).json()["access_token"]
    now, later = ward.now, ward.now + timedelta(hours=1)
    grants = GrantStore(ward.database)
    who = {"subject": USERNAME, "reference": "Practitioner/p1", "display": "Dr Adams"}
    roles, scopes = ("clinician",), ("user/*.rs",)
    await grants.add(
        Grant("g1", "chart", **who, roles=roles, scopes=scopes, created=now, expires=later)
    )
    await grants.add(RefreshToken("hash", "g1", "chart", scopes, later))
    await ward.server.tokens.add(
        Token(
            "of-app", **who, roles=roles, scope="", issued=now, expires=later, client="chart",
            grant="g1",
        )
    )  # fmt: skip
    assert (await ward.finish(await ward.token())).status_code == 204
    answer = await ward.http.get("/auth/account", headers={"Authorization": f"Bearer {signed_in}"})
    assert answer.status_code == 401
    assert await ward.server.tokens.of_subject(USERNAME) == []
    assert await grants.of_subject(USERNAME) == []
    assert await grants.find(RefreshToken, "hash") is None


async def test_the_second_factor_stays(ward: Ward) -> None:
    token = (await ward.login(PASSWORD)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    offer = await ward.http.post("/auth/account/totp", json={"password": PASSWORD}, headers=bearer)
    app = pyotp.TOTP(offer.json()["secret"])
    assert offer.json()["qr"].startswith("data:image/svg+xml")
    await ward.http.post(
        "/auth/account/totp/confirm", json={"code": app.at(ward.now)}, headers=bearer
    )
    halfway = (await ward.login(PASSWORD)).json()["continuation"]
    ward.moved.append(timedelta(seconds=30))
    await ward.work()
    assert ward.mail.mails[-1]["Subject"] == "A second step was set up"
    answer = await ward.finish(await ward.token())
    assert (answer.status_code, answer.content) == (204, b"")
    after = await ward.login(BETTER)
    assert (after.status_code, after.json()["error"]) == (401, "second_factor_required")
    # Half a sign-in with the old password is worth nothing any more.
    sent = {"continuation": halfway, "code": app.at(ward.now)}
    assert (await ward.http.post("/auth/login/code", json=sent)).status_code == 401
    sent = {"continuation": after.json()["continuation"], "code": app.at(ward.now)}
    assert (await ward.http.post("/auth/login/code", json=sent)).status_code == 200


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(ward: Ward) -> None:
    known, unknown = await ward.ask(), await ward.ask("nobody@clinic.example")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert {name.lower() for name in known.headers} == {name.lower() for name in unknown.headers}
    await ward.work()
    assert [mail["To"] for mail in ward.mail.mails] == [ADDRESS]


async def test_the_time_tells_nothing(ward: Ward) -> None:
    # On a busy machine the least of a few comes late; a real difference stays however many.
    known = unknown = math.inf
    for round in range(100):
        known = min(known, await seconds_of(ward.ask()))
        unknown = min(unknown, await seconds_of(ward.ask("nobody@clinic.example")))
        if round >= 12 and max(known, unknown) < 1.5 * min(known, unknown):
            return
    pytest.fail(f"known in {known:.4f} s, unknown in {unknown:.4f} s")


async def seconds_of(asking: Awaitable[httpx2.Response]) -> float:
    began = time.perf_counter()
    answer = await asking
    spent = time.perf_counter() - began
    assert answer.is_success
    return spent


async def test_a_disabled_account_gets_none(ward: Ward) -> None:
    await ward.server.accounts.change(USERNAME, disabled=True)
    await ward.ask()
    await ward.work()
    assert ward.mail.mails == []


async def test_an_account_that_was_disabled_meanwhile_stays_as_it_is(ward: Ward) -> None:
    token = await ward.token()
    await ward.server.accounts.change(USERNAME, disabled=True)
    assert (await ward.finish(token)).status_code == 400


async def test_a_mailbox_is_not_filled(ward: Ward) -> None:
    for _ in range(3):
        await ward.ask()
    await ward.work()
    assert len(ward.mail.mails) == 1
    ward.moved.append(timedelta(seconds=61))
    await ward.ask()
    await ward.work()
    assert len(ward.mail.mails) == 2


async def test_the_address_is_found_whatever_its_case(ward: Ward) -> None:
    await ward.ask("  ADAMS@Clinic.example ")
    await ward.work()
    assert len(ward.mail.mails) == 1


async def test_an_outage_loses_nothing(ward: Ward) -> None:
    ward.mail.answer = "451 the disk is full"
    await ward.ask()
    with pytest.raises(Unavailable):
        await ward.work()
    assert await ward.database["password_resets"].count_documents({}) == 0
    ward.mail.answer = "250 OK"
    ward.moved.append(timedelta(hours=5))
    assert await ward.work() == 1
    # Its 15 minutes begin when it leaves.
    assert (await ward.finish(token_in(ward.mail.text()))).status_code == 204


async def test_too_many_are_refused(ward: Ward) -> None:
    answers = [(await ward.ask()).status_code for _ in range(31)]
    assert answers[:30] == [202] * 30
    assert answers[30] == 429
    assert (await ward.finish("x" * 43)).status_code == 429


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"email": "no address"},
        {"email": f"a@b.example\r\nBcc: {ADDRESS}"},
        {"email": {"$ne": ""}},
        {"email": [ADDRESS]},
        {"email": ADDRESS, "more": 1},
    ],
)
async def test_what_is_no_address_is_refused(ward: Ward, sent: dict[str, Any]) -> None:
    answer = await ward.http.post("/auth/password-reset", json=sent)
    assert answer.status_code == 400
    assert await ward.work() == 0


@pytest.mark.parametrize("token", ["x", "x" * 43, "$ne", "\u0000"])
async def test_a_made_up_token_is_refused(ward: Ward, token: str) -> None:
    assert (await ward.finish(token)).status_code == 400


async def test_a_server_without_mail_says_so(database: Database) -> None:
    server = await open_fhir_server(
        database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    async with client_of(server) as client:
        answer = await client.post("/auth/password-reset", json={"email": ADDRESS})
    await server.aclose()
    assert answer.status_code == 503
    assert "Ask your administrator" in answer.json()["error_description"]


async def test_both_ends_are_in_the_audit_trail(ward: Ward) -> None:
    await ward.finish("x" * 43)
    await ward.finish(await ward.token())
    page = await ward.server.server.store.search({"type": "AuditEvent"}, count=50)
    events = [one.resource() for one in page.entries]
    changed = [one for one in events if one["subtype"][0]["code"] == "110137"]
    assert {one["outcome"] for one in changed} == {"0", "4"}


async def test_a_new_address_is_told_to_the_old_one(ward: Ward) -> None:
    token = (await ward.login(PASSWORD)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    sent = {"password": PASSWORD, "email": "Adams@Elsewhere.example"}
    answer = await ward.http.post("/auth/account/email", json=sent, headers=bearer)
    assert answer.status_code == 204
    await ward.work()
    assert [mail["To"] for mail in ward.mail.mails] == [ADDRESS]
    told = (await ward.http.get("/auth/account", headers=bearer)).json()
    assert told["email"] == "adams@elsewhere.example"
    wrong = {**sent, "password": "no"}
    assert (
        await ward.http.post("/auth/account/email", json=wrong, headers=bearer)
    ).status_code == 401
