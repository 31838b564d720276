"""Who leaves is signed out, after a warning; who records is not, and loses nothing when it ends."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, add_account

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(site: Site) -> Site:
    return add_account(site, "dr.idle", display="Dr Idle")


def enter(page: Page, site: Site) -> None:
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


@pytest.fixture
def at_rest(page: Page, own: Site) -> Page:
    """Signed in, with a clock that the test moves."""
    page.clock.install()
    page.goto(own.url)
    with page.expect_response("**/auth/account"):
        enter(page, own)
        expect(page.get_by_role("heading", name="Consultations")).to_be_visible()
        page.clock.run_for(2000)
    return page


def test_a_warning_counts_down_and_the_person_stays(at_rest: Page) -> None:
    at_rest.keyboard.press("Shift")  # the clock runs on while the test does, since this
    at_rest.clock.fast_forward("13:00")
    at_rest.clock.run_for(1000)
    expect(at_rest.get_by_role("dialog")).not_to_be_visible()
    at_rest.clock.fast_forward("01:05")
    at_rest.clock.run_for(1000)
    expect(at_rest.get_by_role("timer")).to_contain_text("seconds")
    expect(at_rest.get_by_role("button", name="Stay signed in")).to_be_focused()
    with at_rest.expect_response("**/auth/me") as told:
        at_rest.keyboard.press("Enter")
    assert told.value.ok
    expect(at_rest.get_by_role("dialog")).not_to_be_visible()
    at_rest.clock.fast_forward("10:00")
    at_rest.clock.run_for(1000)
    expect(at_rest.get_by_role("heading", name="Consultations")).to_be_visible()


def test_who_does_not_answer_is_signed_out(at_rest: Page) -> None:
    with at_rest.expect_response("**/auth/logout") as told:
        at_rest.clock.fast_forward("15:05")
        at_rest.clock.run_for(1000)
    assert told.value.status == 204
    expect(at_rest.get_by_role("alert")).to_contain_text("nothing was done for a while")
    assert at_rest.evaluate("sessionStorage.getItem('aimed.session')") is None
