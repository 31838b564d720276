"""The dashboard in a real browser on the real stack."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Page, Route, expect

from aimed.samples import consultation
from tests.e2e.conftest import Site, post, token_of

pytestmark = pytest.mark.slow


def test_a_wrong_password_is_told_plainly(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.fill("#username", site.username)
    page.fill("#password", "wrong")
    page.press("#password", "Enter")
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    expect(page.locator("#password")).to_be_focused()


def test_an_ended_session_leads_back_to_sign_in(signed_in: Page) -> None:
    signed_in.evaluate(
        "sessionStorage.setItem('aimed.session', JSON.stringify({token: 'x', display: 'x'}))"
    )
    signed_in.reload()
    expect(signed_in.get_by_role("alert")).to_contain_text("sign in again")


def test_an_unknown_consultation_fails_with_a_way_on(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/#/encounters/nothing")
    expect(signed_in.get_by_role("alert")).to_contain_text("no consultation of that id")
    expect(signed_in.get_by_role("button", name="Try again")).to_be_visible()


def test_nothing_is_recorded_without_consent(signed_in: Page) -> None:
    signed_in.keyboard.press("n")
    signed_in.wait_for_selector("#consent")
    signed_in.get_by_role("button", name="Start recording").click()
    assert "#/new" in signed_in.url


def test_a_visit_is_recorded_on_nobody_by_accident(signed_in: Page, site: Site) -> None:
    """Neither on the first of the list, nor because a search was slower than the person."""
    token = token_of(site)
    post(
        site, "/fhir/Patient", {"resourceType": "Patient", "name": [{"family": "Bystander"}]}, token
    )
    answers: list[Route] = []
    signed_in.route("**/fhir/Patient/_search", lambda route: answers.append(route))
    signed_in.keyboard.press("n")
    signed_in.get_by_text("The patient is new here").click()
    signed_in.fill("#family", "Newcomer")
    while not answers:
        signed_in.wait_for_timeout(20)
    for answer in answers:
        answer.continue_()
    expect(signed_in.locator("#patient option").first).to_be_attached()
    expect(signed_in.locator("#family")).to_be_visible()
    expect(signed_in.locator("#family")).to_have_value("Newcomer")
    assert signed_in.locator("#patient").evaluate("select => select.selectedIndex") == -1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_no_page_is_wider_than_the_screen(signed_in: Page, scheme: str, width: int) -> None:
    signed_in.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    signed_in.set_viewport_size({"width": width, "height": 800})
    for address in ("#/", "#/new"):
        signed_in.evaluate("address => { location.hash = address }", address)
        signed_in.wait_for_selector("h1")
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
    dark = signed_in.evaluate("document.documentElement.classList.contains('dark')")
    assert dark == (scheme == "dark")


def beginning(file: Path) -> Path:
    """What is said of the chest, the nose and the drugs: the whole visit is the demo's to play."""
    sample = consultation.load()
    sound, rate = soundfile.read(sample.audio, dtype="int16")
    soundfile.write(file, sound[: int(sample.turns[15].end * rate)], rate)
    return file


SEGMENTS = 14
"""Of 16 turns; a machine that hears them all makes 16 segments or more of them."""


@pytest.mark.timeout(240)
def test_a_consultation_from_start_to_signature(signed_in: Page, tmp_path: Path) -> None:
    page, recording = signed_in, beginning(tmp_path / "visit.wav")
    page.keyboard.press("n")
    page.wait_for_selector("#consent")
    page.fill("#find", "somebody new")
    page.fill("#given", "Thomas")
    page.fill("#family", "Harris")
    page.select_option("#source", "file")
    page.set_input_files("#file", str(recording))
    page.select_option("#speed", "4")
    page.select_option("#channels", "2")
    page.check("#consent")
    page.get_by_role("button", name="Start recording").click()

    expect(page.get_by_role("heading", name="Thomas Harris")).to_be_visible()
    expect(page.locator(".segment.patient").first).to_be_visible(timeout=60_000)
    alert = page.locator(".alert.high").first
    expect(alert).to_be_visible(timeout=60_000)
    alert.get_by_role("button", name="Acknowledge").click()
    page.fill("#reason", "ECG ordered")
    page.locator("dialog").get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".alert.acknowledged").first).to_contain_text("Acknowledged by")

    sentence = page.locator(".sentence").first
    sentence.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".segment.marked").first).to_be_visible()

    expect(page.locator(".chip", has_text="finished, not signed")).to_be_visible(timeout=120_000)
    expect(page.locator(".segment").nth(SEGMENTS - 1)).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Sign the note").click()
    expect(page.locator(".status .chip.done")).to_have_text("signed")

    page.reload()
    expect(page.locator(".status .chip.done")).to_have_text("signed")
    expect(page.locator(".segment").nth(SEGMENTS - 1)).to_be_visible()
    page.goto(page.url.partition("#")[0])
    expect(page.get_by_role("link", name="Thomas Harris").first).to_be_visible()
