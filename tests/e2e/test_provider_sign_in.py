"""Signing in by an OpenID provider, in a real browser, against npm's `oidc-provider`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from subprocess import PIPE, Popen

import pytest
from playwright.sync_api import Page, expect

from aimed.embedded import Stack
from aimed.embedded.ports import free_port
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.e2e.conftest import Site, add_account
from tests.interop.test_openid_provider import BASIC, NPM, PERSON, SECRET

pytestmark = pytest.mark.slow
LABEL = "Example Health"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def issuer(port: int) -> Iterator[str]:
    configured = {
        "redirect": f"http://localhost:{port}/sign-in/provider",
        "person": PERSON,
        "client": {"client_id": "aimed", **BASIC},
    }
    with Popen(
        ["node", NPM / "openid_provider.mjs"], stdin=PIPE, stdout=PIPE, text=True
    ) as running:
        assert running.stdin
        assert running.stdout
        running.stdin.write(json.dumps(configured) + "\n")
        running.stdin.flush()
        yield str(json.loads(running.stdout.readline())["issuer"])
        running.kill()


@pytest.fixture(scope="module")
def place(port: int, issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    identity, data = "AIMED_FHIR__IDENTITY", tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            f"{identity}__PUBLIC_URL": f"http://localhost:{port}",
            f"{identity}__PROVIDER__ISSUER": issuer,
            f"{identity}__PROVIDER__LABEL": LABEL,
            f"{identity}__PROVIDER__CLIENT_ID": "aimed",
            f"{identity}__PROVIDER__CLIENT_SECRET": SECRET,
            f"{identity}__SECOND_FACTOR_ROLES": '["admin"]',
            "AIMED_OUTBOUND__PLAIN_HTTP": "true",
            "AIMED_OUTBOUND__SECONDS": "60",
            "AIMED_OUTBOUND__INTERNAL_HOSTS": '["127.0.0.0/8"]',
            "AIMED_OUTBOUND__PORTS": json.dumps([int(issuer.rpartition(":")[2])]),
        }.items():
            environment.setenv(name, value)
        stack = Stack(Settings(), data, port=port)
        with background_loop() as loop:
            asyncio.run_coroutine_threadsafe(stack.start(), loop).result(280)
            try:
                url = f"http://localhost:{port}"
                yield Site(url, "", "", stack.mongo_uri, data)
            finally:
                asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)


def by_password(page: Page, site: Site, path: str) -> None:
    page.goto(site.url + path)
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


def test_unlinked_linked_and_ended(page: Page, place: Site) -> None:
    site = add_account(place, "provider.anna")
    page.goto(f"{site.url}/apps")
    page.click(f"text=Sign in with {LABEL}")
    expect(page.locator("h1")).to_have_text("You are not signed in")
    expect(page.locator(".error")).to_contain_text(f"No account here is linked to you at {LABEL}")
    assert page.url == f"{site.url}/sign-in/provider"

    by_password(page, site, "/account")
    page.click(f"text=Link with {LABEL}")
    page.fill("#provider-password", site.password)
    page.press("#provider-password", "Enter")
    expect(page.locator("main")).to_contain_text(f"You can sign in with {LABEL}.")

    page.click("#leave")
    page.goto(f"{site.url}/apps")
    page.click(f"text=Sign in with {LABEL}")
    expect(page.locator("h1")).to_have_text("Connected apps")
    page.goto(f"{site.url}/sign-in/provider")
    expect(page.locator(".error")).to_contain_text("begun in another window")


def test_a_role_that_needs_a_second_step(page: Page, place: Site) -> None:
    site = add_account(place, "provider.berta", roles=("admin",))
    by_password(page, site, "/")
    expect(page.locator("h1")).to_have_text("One thing before you go on")
    expect(page.locator("#passkeys")).to_contain_text("Add a passkey")
