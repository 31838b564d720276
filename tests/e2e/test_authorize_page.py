"""An application asks for access: sign-in, picker and consent in a real browser."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Site, post, register
from tests.fhir_server.smart.flow import REDIRECT, VERIFIER, challenge, public_client, query

pytestmark = pytest.mark.slow
SCOPES = "openid fhirUser offline_access patient/Observation.rs patient/Condition.rs"


@pytest.fixture(scope="module")
def registered(site: Site) -> Site:
    """The site with an application, and a patient to choose."""
    register(site, replace(public_client("chart"), launch_url="https://app.example/launch"))
    token = post(site, "/auth/login", {"username": site.username, "password": site.password})
    post(
        site,
        "/fhir/Patient",
        {"resourceType": "Patient", "name": [{"family": "Winter"}], "birthDate": "1980-02-01"},
        token["access_token"],
    )
    return site


def ask(page: Page, site: Site, scope: str = SCOPES, **more: str) -> list[str]:
    """Open the authorization endpoint; where the browser is sent in the end is kept."""
    sent: list[str] = []

    def arrived(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<h1>Back in the app</h1>")

    page.route(f"https://{urlsplit(REDIRECT).netloc}/**", arrived)
    parameters = {
        "response_type": "code",
        "client_id": "chart",
        "redirect_uri": REDIRECT,
        "scope": scope,
        "state": "s" * 30,
        "aud": f"{site.url}/fhir",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        **more,
    }
    page.goto(f"{site.url}/auth/authorize?{urlencode(parameters)}")
    return sent


def sign_in(page: Page, site: Site) -> None:
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


def test_all_the_way_to_a_token(page: Page, registered: Site) -> None:
    sent = ask(page, registered)
    sign_in(page, registered)
    expect(page.get_by_role("heading")).to_have_text("Growth chart asks for access")
    expect(page.get_by_text("Its access lasts for 365 days")).to_be_visible()
    page.get_by_label("Keep this access when you are away").uncheck()
    expect(page.get_by_text("Its access ends after 60 minutes at most.")).to_be_visible()
    page.get_by_label("Keep this access when you are away").check()
    page.fill("#find", "winter")
    expect(page.locator("#patient option")).to_have_text(["Winter, born 1980-02-01"])
    page.get_by_text("Only some of it").first.click()
    page.get_by_label("Laboratory results").check()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_selector("h1:text('Back in the app')")
    back = query(sent[0])
    assert back["state"] == "s" * 30
    form = {
        "grant_type": "authorization_code",
        "code": back["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "client_id": "chart",
    }
    with urlopen(f"{registered.url}/auth/token", urlencode(form).encode()) as answer:  # noqa: S310
        token = json.loads(answer.read())
    assert "patient/Observation.rs?category=" in token["scope"]
    assert "patient/Condition.rs" in token["scope"].split()
    assert token["patient"]
    page.goto(f"{registered.url}/apps")
    expect(page.get_by_role("heading", name="Growth chart")).to_be_visible()
    page.get_by_role("button", name="End access").click()
    expect(page.get_by_text("No application has access in your name.")).to_be_visible()


def test_a_launch_without_a_patient_asks_for_one(page: Page, registered: Site) -> None:
    login = {"username": registered.username, "password": registered.password}
    token = post(registered, "/auth/login", login)["access_token"]
    made = post(registered, "/auth/launches", {"client": "chart"}, token)
    sent = ask(page, registered, "launch patient/Condition.rs", launch=made["launch"])
    sign_in(page, registered)
    page.fill("#find", "winter")
    expect(page.locator("#patient option")).to_have_text(["Winter, born 1980-02-01"])
    page.get_by_role("button", name="Allow").click()
    page.wait_for_selector("h1:text('Back in the app')")
    assert query(sent[0])["code"]


def test_denying(page: Page, registered: Site) -> None:
    sent = ask(page, registered)
    sign_in(page, registered)
    page.get_by_role("button", name="Deny").click()
    page.wait_for_selector("h1:text('Back in the app')")
    assert query(sent[0])["error"] == "access_denied"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits_the_screen(page: Page, registered: Site, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    ask(page, registered, SCOPES + " launch/encounter user/MedicationRequest.cruds")
    sign_in(page, registered)
    page.wait_for_selector("button:text('Allow')")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_unknown_request_says_what_to_do(page: Page, registered: Site) -> None:
    page.goto(f"{registered.url}/authorize?request=nothing")
    sign_in(page, registered)
    expect(page.get_by_role("alert")).to_contain_text("start again from the application")
