"""Administrators and auditors at their pages, in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from aimed.settings import Settings
from fhir_server.store.accounts import AccountStore
from fhir_server.store.connection import connect
from tests.accounts import PASSWORD, dr_adams
from tests.conftest import background_loop
from tests.e2e.conftest import Site, post, register
from tests.fhir_server.smart.flow import public_client

pytestmark = pytest.mark.slow
BETTER = "violet tractor mumbles"
PEOPLE = ("admin", "auditor", "nurse", "clinician", "biller")


@pytest.fixture(scope="module")
def site(fresh_site: Site) -> Site:
    """Lists are short where nobody has been."""
    return fresh_site


@pytest.fixture(scope="module")
def clinic(site: Site) -> Site:
    """The site with somebody of each role, an application that waits, and an emergency."""

    async def add() -> None:
        async with connect(site.mongo_uri) as mongo:
            accounts = AccountStore(mongo[Settings().mongo.database])
            for name in PEOPLE:
                await accounts.add(
                    replace(
                        dr_adams(),
                        username=f"the.{name}",
                        reference=f"Practitioner/{name}",
                        display=f"{name.title()} Winter",
                        roles=(name,),
                    )
                )

    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(add(), loop).result(120)
    register(site, replace(public_client("chart"), status="pending"))
    token = token_of(site, "the.clinician")
    patient = post(site, "/fhir/Patient", {"resourceType": "Patient"}, token)
    reason = "unconscious, allergies unknown"
    post(site, "/auth/emergency", {"patient": patient["id"], "reason": reason}, token)
    return site


def token_of(site: Site, username: str) -> str:
    answer = post(site, "/auth/login", {"username": username, "password": PASSWORD})
    return str(answer["access_token"])


def enter(page: Page, site: Site, path: str, username: str, password: str = PASSWORD) -> None:
    page.goto(site.url + path)
    page.fill("#username", username)
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_selector("#username", state="detached")


def places(page: Page) -> list[str]:
    expect(page.locator("#places a").first).to_be_visible()
    return page.locator("#places a").all_inner_texts()


def test_the_navigation_shows_what_a_role_may_see(page: Page, clinic: Site) -> None:
    for name, expected in (
        ("admin", ["Administration", "HL7 v2", "Connected apps"]),
        ("auditor", ["Audit trail", "Connected apps"]),
        ("nurse", ["Consultations", "Connected apps"]),
    ):
        enter(page, clinic, "/apps", f"the.{name}")
        page.wait_for_selector("h1:text('Connected apps')")
        assert places(page) == expected
        page.evaluate("sessionStorage.clear()")


@pytest.mark.parametrize(("path", "username"), [("/admin", "the.auditor"), ("/audit", "the.admin")])
def test_a_page_for_another_role_says_so(
    page: Page, clinic: Site, path: str, username: str
) -> None:
    enter(page, clinic, path, username)
    expect(page.get_by_role("heading", name="Not for your role")).to_be_visible()


def test_a_new_account_by_a_link(page: Page, clinic: Site) -> None:
    enter(page, clinic, "/admin", "the.admin")
    page.get_by_role("button", name="New account").click()
    page.get_by_label("User name").fill("kim.lee")
    page.get_by_label("Full name").fill("Dr Kim Lee")
    page.get_by_role("button", name="Make the account").click()
    link = page.get_by_label("Shown this once").input_value()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name="Dr Kim Lee")).to_be_visible()
    assert "kim" not in page.url.lower()
    page.evaluate("sessionStorage.clear()")
    page.goto(link)
    expect(page).to_have_url(re.compile(r"^[^#]+$"))
    page.get_by_label("New password").fill(BETTER)
    page.get_by_label("Once more").fill(BETTER + "x")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
    page.get_by_label("Once more").fill(BETTER)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Sign in").click()
    page.fill("#username", "kim.lee")
    page.fill("#password", BETTER)
    page.press("#password", "Enter")
    page.wait_for_selector("h1:text('Consultations')")


def test_finding_somebody_and_keeping_them_out(page: Page, clinic: Site) -> None:
    token_of(clinic, "the.biller")
    enter(page, clinic, "/admin", "the.admin")
    page.get_by_label("Find").fill("biller")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Biller Winter").click()
    expect(page.get_by_role("table", name="Sessions").locator("tbody tr")).not_to_have_count(0)
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".chip")).to_have_text("active")
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.locator(".chip")).to_have_text("disabled")
    expect(page.get_by_text("Signed in nowhere.")).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.locator(".chip")).to_have_text("active")


def test_roles_ask_for_the_password_when_the_sign_in_is_old(page: Page, clinic: Site) -> None:
    enter(page, clinic, "/admin", "the.admin")
    page.get_by_role("button", name="Nurse Winter").click()
    age_tokens(clinic, "the.admin")
    page.get_by_label("biller").check()
    page.get_by_role("button", name="Save the roles").click()
    page.get_by_role("button", name="Change", exact=True).click()
    for password, refused in (("not this one", True), (PASSWORD, False)):
        page.get_by_label("Your password").fill(password)
        page.get_by_role("button", name="Go on").click()
        if refused:
            expect(page.get_by_role("alert").last).to_have_text("This is not your password.")
    expect(page.locator("#announce")).to_have_text("The roles are changed.")
    assert page.get_by_label("biller").is_checked()


def age_tokens(site: Site, username: str) -> None:
    """Let the sign-ins of somebody be an hour ago."""

    async def change() -> None:
        async with connect(site.mongo_uri) as mongo:
            tokens = mongo[Settings().mongo.database]["tokens"]
            async for one in tokens.find({"subject": username}):
                earlier = one["issued"] - timedelta(hours=1)
                await tokens.update_one({"_id": one["_id"]}, {"$set": {"issued": earlier}})

    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(change(), loop).result(120)


def test_the_last_administrator_stays(page: Page, clinic: Site) -> None:
    enter(page, clinic, "/admin", "the.admin")
    page.get_by_role("button", name="Admin Winter").click()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("alert")).to_contain_text("last active administrator")


def test_an_application_is_approved_and_invited(page: Page, clinic: Site) -> None:
    enter(page, clinic, "/admin#/clients", "the.admin")
    expect(page.locator(".chip")).to_have_text("pending")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".chip")).to_have_text("active")
    page.get_by_label("Who answers for the application").fill("Dr Adams")
    page.get_by_role("button", name="Invite").click()
    assert len(page.get_by_label("Shown this once").input_value()) == 43
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("table", name="Invitations").locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("No invitation is open.")).to_be_visible()


def test_an_answer_that_comes_late_is_not_shown(page: Page, clinic: Site) -> None:
    held: list[Route] = []

    def first_held(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/audit/search", first_held)
    enter(page, clinic, "/audit", "the.auditor")
    expect(page.get_by_label("Kind")).to_be_visible()
    while not held:  # what the page asks for by itself
        page.wait_for_timeout(20)
    page.get_by_label("Kind").select_option("110127")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    with page.expect_response("**/api/audit/search"):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_an_auditor_searches_and_exports(page: Page, clinic: Site, tmp_path: Path) -> None:
    enter(page, clinic, "/audit", "the.auditor")
    page.get_by_label("Kind").select_option("110127")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("unconscious, allergies unknown")
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Export what is found").click()
    downloaded.value.save_as(tmp_path / "events")
    lines = (tmp_path / "events").read_text("utf-8").splitlines()
    assert [json.loads(line)["resourceType"] for line in lines] == ["AuditEvent"]
    page.get_by_label("Who", exact=True).fill("nobody of that name")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No event is found.")).to_be_visible()
    assert "nobody" not in page.url
    page.get_by_role("link", name="Emergency access").click()
    expect(page.locator("tbody tr")).to_contain_text("Clinician Winter")


def test_the_trail_is_checked(page: Page, clinic: Site) -> None:
    enter(page, clinic, "/audit#/chain", "the.auditor")
    expect(page.get_by_text("It was never checked here.")).to_be_visible()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("It is whole.")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_the_screen(page: Page, clinic: Site, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for username, addresses in (
        ("the.admin", ("/admin", "/admin#/clients", "/admin#/emergencies")),
        ("the.auditor", ("/audit", "/audit#/chain")),
    ):
        enter(page, clinic, addresses[0], username)
        for address in addresses:
            page.goto(clinic.url + address)
            for width in (390, 1024, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                page.wait_for_selector("main h2")
                expect(page.locator(".bones")).to_have_count(0)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        page.evaluate("sessionStorage.clear()")
