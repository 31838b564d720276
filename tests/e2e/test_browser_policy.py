"""What the pages load, keep and forget in a browser. OWASP ASVS 5.0 V3, V6.2, V7.4 and V14.3."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, post

pytestmark = pytest.mark.slow
PAGES = ("/", "/#/new", "/apps", "/authorize?request=none")


def test_pages_break_no_policy_and_load_from_here_alone(signed_in: Page, site: Site) -> None:
    said: list[str] = []
    loaded: list[str] = []
    signed_in.on("console", lambda message: said.append(message.text))
    signed_in.on("request", lambda request: loaded.append(request.url))
    for path in PAGES:
        signed_in.goto(site.url + path)
        signed_in.wait_for_load_state("networkidle")
    assert [one for one in said if "Content Security Policy" in one] == []
    assert {urlsplit(one).netloc for one in loaded} == {urlsplit(site.url).netloc}
    assert [one for one in loaded if "name=" in one or "token" in one] == []


def test_the_policy_stops_what_is_not_ours(browser: Browser, site: Site) -> None:
    """So that the test above is one that could fail."""
    page = browser.new_page()
    page.goto(site.url)
    stopped = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", e => done(e.violatedDirective));
            const one = document.createElement("script");
            one.textContent = "window.injected = true";
            document.body.append(one);
        })"""
    )
    assert stopped.startswith("script-src")
    assert page.evaluate("window.injected") is None
    page.close()


def test_a_password_field_hides_and_lets_managers_in(page: Page, site: Site) -> None:
    page.goto(site.url)
    field = page.locator("#password")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "current-password")
    pasted = page.evaluate(
        """() => document.getElementById("password").dispatchEvent(
            new ClipboardEvent("paste", { bubbles: true, cancelable: true }))"""
    )
    assert pasted, "pasting is not prevented"


def test_the_browser_keeps_a_session_and_nothing_of_patients(signed_in: Page, site: Site) -> None:
    login = {"username": site.username, "password": site.password}
    token = post(site, "/auth/login", login)["access_token"]
    patient = {"resourceType": "Patient", "name": [{"family": "Quackenbush"}]}
    post(site, "/fhir/Patient", patient, token)
    signed_in.goto(f"{site.url}/#/new")
    expect(signed_in.get_by_text("Quackenbush").first).to_be_attached()
    session, local, cookies = signed_in.evaluate(
        "[{...sessionStorage}, {...localStorage}, document.cookie]"
    )
    assert json.loads(session["aimed.session"])["token"]
    assert all(name.startswith("aimed.") for name in (*session, *local))
    assert "Quackenbush" not in json.dumps([session, local])
    assert "token" not in json.dumps(local)
    assert cookies == ""
    assert signed_in.evaluate("indexedDB.databases()") == []


@pytest.mark.parametrize("path", ["/#/new", "/apps"])
def test_signing_out_is_in_sight_and_leaves_nothing(signed_in: Page, site: Site, path: str) -> None:
    signed_in.goto(site.url + path)
    signed_in.get_by_role("button", name="Sign out").click()
    expect(signed_in.locator("#password")).to_be_visible()
    assert signed_in.evaluate("sessionStorage.length") == 0
    assert "Quackenbush" not in signed_in.content()
    signed_in.go_back()
    expect(signed_in.locator("#password")).to_be_visible()
