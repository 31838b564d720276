"""Passkeys in a real browser, with Chromium's virtual authenticator."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.e2e.conftest import Site, add_account, post

pytestmark = pytest.mark.slow
USE = """async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}"""


@dataclass
class Device:
    """A virtual authenticator in a page's browser."""

    session: CDPSession
    id: str

    def send(self, method: str, **more: Any) -> Any:
        return self.session.send(f"WebAuthn.{method}", {"authenticatorId": self.id, **more})

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.send("getCredentials")["credentials"]
        return found


@pytest.fixture(scope="module")
def local(site: Site) -> Site:
    """The site by the name that passkeys can belong to."""
    return replace(site, url=site.url.replace("127.0.0.1", "localhost"))


@pytest.fixture
def device(page: Page) -> Device:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Device(session, made["authenticatorId"])


@pytest.fixture
def without_autofill(page: Page) -> None:
    """As browsers that do not offer passkeys in a form; the virtual device would at once."""
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")


def by_password(page: Page, site: Site, path: str = "/account") -> None:
    page.goto(site.url + path)
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


def enrol(page: Page, site: Site, name: str = "Ward laptop") -> None:
    by_password(page, site)
    page.click("text=Add a passkey")
    page.fill("#passkey-name", name)
    page.fill("#passkey-password", site.password)
    page.press("#passkey-password", "Enter")
    expect(page.locator("#passkeys .good")).to_contain_text("The passkey is added")


@pytest.mark.usefixtures("without_autofill")
def test_from_adding_to_removing(page: Page, local: Site, device: Device) -> None:
    site = add_account(local, "passkey.anna")
    enrol(page, site)
    (credential,) = device.credentials()
    assert credential["isResidentCredential"] is True
    assert credential["rpId"] == "localhost"

    page.click("#leave")
    page.click("#use-passkey")
    expect(page.locator("h1")).to_have_text("Your account")
    expect(page.locator("#passkeys li")).to_contain_text("Ward laptop")

    page.click("#passkeys >> text=Rename")
    page.fill("#passkey-name", "Old laptop")
    page.press("#passkey-name", "Enter")
    expect(page.locator("#passkeys li")).to_contain_text("Old laptop")

    page.click("#passkeys >> text=Remove")
    page.fill("#passkey-password", site.password)
    page.press("#passkey-password", "Enter")
    expect(page.locator("#passkeys .good")).to_have_text("The passkey is removed.")
    expect(page.locator("#passkeys li")).to_have_count(0)
    page.click("#leave")
    page.click("#use-passkey")
    expect(page.locator(".error")).to_contain_text("The passkey was not accepted")


@pytest.mark.usefixtures("without_autofill")
def test_a_passkey_after_the_password(page: Page, local: Site, device: Device) -> None:
    site = add_account(local, "passkey.berta")
    enrol(page, site)
    page.click("#leave")
    by_password(page, site)
    expect(page.locator("h1")).to_have_text("Second step")
    page.click("text=Use your passkey")
    expect(page.locator("h1")).to_have_text("Your account")


def test_the_browser_offers_it_in_the_name_field(page: Page, local: Site, device: Device) -> None:
    site = add_account(local, "passkey.clara")
    enrol(page, site)
    page.click("#leave")
    # The virtual device takes what the browser offers at once.
    expect(page.locator("h1")).to_have_text("Your account")


@pytest.mark.usefixtures("without_autofill")
def test_who_cannot_unlock_it_stays_out(page: Page, local: Site, device: Device) -> None:
    site = add_account(local, "passkey.dora")
    enrol(page, site)
    page.click("#leave")
    device.send("setUserVerified", isUserVerified=False)
    page.click("#use-passkey")
    expect(page.locator(".error")).to_contain_text("No passkey was chosen")


@pytest.mark.usefixtures("without_autofill")
def test_the_same_device_twice(page: Page, local: Site, device: Device) -> None:
    site = add_account(local, "passkey.emma")
    enrol(page, site)
    page.click("text=Add a passkey")
    page.fill("#passkey-name", "Again")
    page.fill("#passkey-password", site.password)
    page.press("#passkey-password", "Enter")
    expect(page.locator("#passkeys .error")).to_have_text(
        "This device has a passkey of yours already."
    )


@pytest.mark.usefixtures("without_autofill")
def test_an_answer_counts_once(page: Page, local: Site, device: Device) -> None:
    enrol(page, add_account(local, "passkey.frida"))
    options = post(local, "/auth/login/passkey/options", {})["publicKey"]
    credential = page.evaluate(USE, options)
    post(local, "/auth/login/passkey", {"credential": credential})
    with pytest.raises(HTTPError) as refused:
        post(local, "/auth/login/passkey", {"credential": credential})
    with refused.value as answer:
        assert answer.code == 401
        assert "used before" in json.loads(answer.read())["error_description"]


class Blank(BaseHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Prize draw</title>")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another origin of the same host name, which browsers let use the same passkeys."""
    server = HTTPServer(("127.0.0.1", 0), Blank)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("without_autofill")
def test_what_another_origin_asked_for_is_refused(
    page: Page, local: Site, device: Device, elsewhere: str
) -> None:
    enrol(page, add_account(local, "passkey.greta"))
    page.goto(elsewhere)
    options = post(local, "/auth/login/passkey/options", {})["publicKey"]
    credential = page.evaluate(USE, options)
    with pytest.raises(HTTPError) as refused:
        post(local, "/auth/login/passkey", {"credential": credential})
    with refused.value as answer:
        assert answer.code == 401


def test_by_an_ip_address_there_are_none(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator("#username")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#use-passkey")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_nothing_sticks_out(browser: Browser, local: Site, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    by_password(page, local)
    page.click("text=Add a passkey")
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert wide <= width
