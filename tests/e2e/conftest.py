"""The whole stack as `aimed up` runs it, and a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from aimed.embedded import Stack
from aimed.settings import Settings
from fhir_server.store.accounts import AccountStore
from fhir_server.store.connection import connect
from fhir_server.store.smart.clients import Client, ClientStore
from tests.accounts import PASSWORD, dr_adams
from tests.browser import find
from tests.conftest import background_loop

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a stack starts it, which takes half a minute on a busy machine."""
    for item in items:
        if "tests/e2e" in item.path.as_posix() and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


@dataclass(frozen=True)
class Site:
    """A running installation and its first login."""

    url: str
    username: str
    password: str
    mongo_uri: str
    data: Path
    mllp: tuple[str, int] = ("", 0)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation that files share, each with accounts of its own: a start takes some ten
    seconds of a core."""
    with _started(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def fresh_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation where nobody has been."""
    with _started(tmp_path_factory.mktemp("site")) as running:
        yield running


@contextmanager
def _started(data: Path) -> Iterator[Site]:
    stack = Stack(Settings(), data)
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(280)
        try:
            login = stack.first_login
            assert login is not None
            first = stack.listeners[0]
            yield Site(
                stack.http_url,
                login.username,
                login.password,
                stack.mongo_uri,
                data,
                (first.host, first.port),
            )
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)


def register(site: Site, client: Client) -> None:
    """Add an application."""

    async def add() -> None:
        async with connect(site.mongo_uri) as mongo:
            await ClientStore(mongo[Settings().mongo.database]).add(client)

    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(add(), loop).result(120)


def add_account(site: Site, username: str, **fields: Any) -> Site:
    """The site for one more clinician, so that a test can change the account as it likes."""

    async def add() -> None:
        async with connect(site.mongo_uri) as mongo:
            store = AccountStore(mongo[Settings().mongo.database])
            await store.add(replace(dr_adams(), username=username, **fields))

    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(add(), loop).result(120)
    return replace(site, username=username, password=PASSWORD)


def token_of(site: Site) -> str:
    """A token of the site's account, which has no second factor."""
    answer = post(site, "/auth/login", {"username": site.username, "password": site.password})
    return str(answer["access_token"])


def post(site: Site, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = Request(site.url + path, json.dumps(body).encode(), headers)  # noqa: S310
    with urlopen(request) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Per module, not per run: while Playwright is open its event loop counts as running in this
    # thread, and no async test of another module could start one.
    expect.set_options(timeout=60_000)  # not 5 s, which a busy machine takes for one answer
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; an error of its scripts fails the test, as does whatever its policy forbids."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.extend(_violations(said.text)))
    yield page
    context.close()
    assert faults == []


def _violations(text: str) -> list[str]:
    return [text] if "Content Security Policy" in text else []


@pytest.fixture
def signed_in(page: Page, site: Site) -> Page:
    page.goto(site.url)
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")
    page.wait_for_selector("h1:text('Consultations')")
    return page
