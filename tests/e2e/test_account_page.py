"""The account page in a real browser: password, second step, sessions, address."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Site, add_account, post, token_of

pytestmark = pytest.mark.slow
BETTER = "violet tractor mumbles"


def enter(page: Page, site: Site, path: str = "/account") -> None:
    page.goto(site.url + path)
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


@pytest.fixture(scope="module")
def own(site: Site) -> Site:
    return add_account(site, "dr.account", display="Dr Account")


def test_another_password(page: Page, site: Site) -> None:
    own = add_account(site, "dr.changing", display="Dr Changing")
    enter(page, own)
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#current")).to_be_focused()
    expect(page.locator("#wanted")).to_contain_text("At least 12 characters")
    page.fill("#current", "wrong")
    page.fill("#new", BETTER)
    page.fill("#again", BETTER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    page.fill("#current", own.password)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The password is changed.", exact=False).first).to_be_visible()
    assert post(own, "/auth/login", {"username": own.username, "password": BETTER})


def test_a_second_step_with_the_keyboard_alone(page: Page, site: Site) -> None:
    own = add_account(site, "dr.keys", display="Dr Keys")
    enter(page, own)
    page.get_by_role("button", name="Set up a second step").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#step-password")).to_be_focused()
    page.keyboard.type(own.password)
    page.keyboard.press("Enter")
    expect(page.locator("#totp")).to_be_focused()
    picture = page.locator("img.qr")
    assert picture.evaluate("image => image.naturalWidth") > 100
    seed = page.locator("#secret").text_content()
    assert seed is not None
    app = pyotp.TOTP(seed.replace(" ", ""))
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    page.fill("#totp", app.now())
    page.keyboard.press("Enter")
    expect(page.locator("ol.codes li")).to_have_count(10)
    expect(page.get_by_role("heading", name="Recovery codes of dr.keys")).to_be_focused()
    code = page.locator("ol.codes li").first.text_content()
    page.get_by_role("button", name="I have kept them").press("Enter")
    expect(page.locator("body")).not_to_contain_text(str(code))
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    enter(page, own)
    page.get_by_role("button", name="Use a recovery code instead").press("Enter")
    expect(page.get_by_label("Recovery code")).to_be_focused()
    page.keyboard.type(str(code))
    page.keyboard.press("Enter")
    expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()
    page.get_by_role("button", name="Remove the second step").click()
    page.fill("#step-password", own.password)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The second step is removed.").first).to_be_visible()
    assert token_of(own)


def test_sessions_are_ended(page: Page, browser: Browser, own: Site) -> None:
    for _ in range(2):
        token_of(own)
    with browser.new_context() as context:
        other = context.new_page()
        enter(other, own)
        expect(other.get_by_role("heading", name="Your account")).to_be_visible()
        enter(page, own)
        rows = page.locator("section[aria-labelledby=sessions-title] li")
        expect(rows).to_have_count(4)
        expect(rows.first).to_contain_text("Chrome on Linux")
        expect(rows.first).to_contain_text("this one")
        rows.nth(2).get_by_role("button").press("Enter")
        expect(rows).to_have_count(3)
        page.get_by_role("button", name="End all others").click()
        expect(rows).to_have_count(1)
        other.reload()
        expect(other.get_by_role("alert")).to_contain_text("sign in again")


def test_an_address(page: Page, own: Site) -> None:
    enter(page, own)
    page.get_by_role("button", name="Add an address").click()
    page.fill("#email", "Account@Clinic.example")
    page.fill("#email-password", own.password)
    page.keyboard.press("Enter")
    expect(page.get_by_text("account@clinic.example")).to_be_visible()


def test_it_says_when_it_cannot_be_loaded(page: Page, own: Site) -> None:
    page.route("**/auth/sessions", lambda route: route.abort())
    enter(page, own)
    section = page.locator("section[aria-labelledby=sessions-title]")
    expect(section.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/auth/sessions")
    section.get_by_role("button", name="Try again").click()
    expect(section.locator("li").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits_the_screen(page: Page, own: Site, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/reset", "/reset#token=x"):
        page.goto(own.url + path)
        page.wait_for_selector("h1")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    enter(page, own)
    page.wait_for_selector("section[aria-labelledby=sessions-title] li")
    page.get_by_role("button", name="Change the password").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
