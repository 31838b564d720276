"""A forgotten password in a real browser: from the mail to the sign-in with the new one."""

from __future__ import annotations

import re
import time
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, add_account

pytestmark = pytest.mark.slow
BETTER = "violet tractor mumbles"


def mails_to(site: Site, address: str, count: int) -> list[str]:
    """The texts of the mails to an address, oldest first, once there are that many."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        files = sorted((site.data / "mail").glob("*.eml"))
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        texts = [str(mail.get_content()) for mail in mails if mail["To"] == address]
        if len(texts) >= count:
            return texts
        time.sleep(0.1)
    raise AssertionError(f"no {count} mails to {address}")


def test_from_the_mail_to_the_new_password(page: Page, site: Site) -> None:
    own = add_account(site, "dr.forgetful", display="Dr Forgetful", email="f@clinic.example")
    page.goto(own.url)
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type("f@clinic.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Look at your mail")
    [text] = mails_to(own, "f@clinic.example", 1)
    link = re.search(r"http://\S+/reset#token=\S+", text)
    assert link is not None

    page.goto(link[0])
    expect(page.get_by_role("heading")).to_have_text("Set a new password")
    assert "token" not in page.url
    expect(page.locator("#new")).to_be_focused()
    page.keyboard.type("short")
    page.fill("#again", "short")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("at least 12 characters")
    page.fill("#new", "password12345")
    page.fill("#again", "password12345")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Take another")
    page.fill("#new", BETTER)
    page.fill("#again", BETTER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Your password is changed")
    page.keyboard.press("Enter")
    page.fill("#username", own.username)
    page.fill("#password", BETTER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Consultations")).to_be_visible()
    assert "was changed" in mails_to(own, "f@clinic.example", 2)[1]

    page.goto(link[0])
    page.fill("#new", BETTER)
    page.fill("#again", BETTER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("This link does not work any more")
    page.get_by_role("button", name="Ask for a new link").click()
    expect(page.locator("#email")).to_be_focused()
