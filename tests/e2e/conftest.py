"""The whole stack as `aimed up` runs it, and a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from aimed.embedded import Stack
from aimed.settings import Settings
from fhir_server.store.connection import connect
from fhir_server.store.smart.clients import Client, ClientStore
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


@dataclass(frozen=True)
class Site:
    """A running installation and its first login."""

    url: str
    username: str
    password: str
    mongo_uri: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    stack = Stack(Settings(), tmp_path_factory.mktemp("site"))
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(120)
        try:
            login = stack.first_login
            assert login is not None
            yield Site(stack.http_url, login.username, login.password, stack.mongo_uri)
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(30)


def register(site: Site, client: Client) -> None:
    """Add an application."""

    async def add() -> None:
        async with connect(site.mongo_uri) as mongo:
            await ClientStore(mongo[Settings().mongo.database]).add(client)

    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(add(), loop).result(30)


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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; an error on its console fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def signed_in(page: Page, site: Site) -> Page:
    page.goto(site.url)
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")
    page.wait_for_selector("h1:text('Consultations')")
    return page
