"""Signing in with a second step, on the dashboard and for an application."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, add_account, post, token_of

pytestmark = pytest.mark.slow


@dataclass
class Doctor:
    """Somebody with an authenticator app."""

    site: Site
    seed: str
    recovery_codes: list[str]


@pytest.fixture(scope="module")
def doctor(site: Site) -> Doctor:
    own = add_account(site, "dr.second", display="Dr Second")
    token = token_of(own)
    seed = post(own, "/auth/account/totp", {"password": own.password}, token)["secret"]
    code = pyotp.TOTP(seed).now()
    codes = post(own, "/auth/account/totp/confirm", {"code": code}, token)["recovery_codes"]
    return Doctor(own, seed, codes)


def first_step(page: Page, doctor: Doctor) -> None:
    page.goto(doctor.site.url)
    page.fill("#username", doctor.site.username)
    page.fill("#password", doctor.site.password)
    page.press("#password", "Enter")
    expect(page.get_by_role("heading")).to_have_text("Second step")


def test_by_a_code_of_the_app_with_the_keyboard_alone(page: Page, doctor: Doctor) -> None:
    page.goto(doctor.site.url)
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type(doctor.site.username)
    page.keyboard.press("Tab")
    page.keyboard.type(doctor.site.password)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code of your authenticator app")).to_be_focused()
    page.keyboard.type("12345")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    expect(page.locator("#code")).to_be_focused()
    # Of the step ahead: the present one may be spent, and by then this one may be it.
    page.keyboard.type(pyotp.TOTP(doctor.seed).at(datetime.now(UTC) + timedelta(seconds=30)))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Consultations")).to_be_visible()


def test_by_a_recovery_code(page: Page, doctor: Doctor) -> None:
    first_step(page, doctor)
    page.get_by_role("button", name="Use a recovery code instead").click()
    page.get_by_label("Recovery code", exact=True).fill(doctor.recovery_codes.pop())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Consultations")).to_be_visible()


def test_going_back_to_the_first_step(page: Page, doctor: Doctor) -> None:
    first_step(page, doctor)
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    expect(page.locator("#username")).to_be_focused()


def test_an_application_asks_by_the_same_two_steps(page: Page, doctor: Doctor) -> None:
    page.goto(f"{doctor.site.url}/authorize?request=none")
    expect(page.get_by_role("alert")).to_have_text("Sign in to answer the application.")
    page.fill("#username", doctor.site.username)
    page.fill("#password", doctor.site.password)
    page.press("#password", "Enter")
    page.get_by_role("button", name="Use a recovery code instead").click()
    page.fill("#code", doctor.recovery_codes.pop())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("This cannot go on")
    expect(page.locator("#who")).to_have_text("Dr Second")
