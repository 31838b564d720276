"""Emergency access in a real browser: refused, opened with a reason, seen to run out, ended."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, add_account, post, token_of

pytestmark = pytest.mark.slow
RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


@pytest.fixture(scope="module")
def own(site: Site) -> Site:
    """A nurse, from whom restricted resources are hidden, and a patient who has one."""
    token = token_of(site)
    patient = {"resourceType": "Patient", "name": [{"family": "Sommer", "given": ["Eva"]}]}
    id = post(site, "/fhir/Patient", patient, token)["id"]
    condition = {
        "resourceType": "Condition",
        "meta": {"security": [RESTRICTED]},
        "subject": {"reference": f"Patient/{id}"},
        "code": {"text": "Opioid dependence"},
    }
    post(site, "/fhir/Condition", condition, token)
    return add_account(site, "nurse.ng", display="Nurse Ng", roles=("nurse",))


def enter(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/#/encounters/nothing")
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


def test_from_a_refusal_to_the_chart_and_back(page: Page, own: Site) -> None:
    page.clock.install()
    enter(page, own)
    page.get_by_role("link", name="Open a chart by emergency access").press("Enter")
    expect(page.get_by_role("heading", name="Emergency access")).to_be_visible()
    page.fill("#find", "Sommer")
    page.clock.run_for(300)
    expect(page.locator("#patient option")).to_have_text(["Eva Sommer"])
    page.select_option("#patient", label="Eva Sommer")
    page.fill("#reason", "unconscious, allergies unknown")
    page.get_by_role("button", name="Open the chart").press("Enter")
    expect(page.get_by_role("heading", name="Eva Sommer")).to_be_visible()
    hidden = page.get_by_role("region", name="Conditions")
    expect(hidden).to_contain_text("Opioid dependence")
    expect(hidden).to_contain_text("otherwise hidden")
    page.clock.run_for(1000)
    expect(page.get_by_role("timer", name="Time left")).to_contain_text("59:")
    page.reload()
    expect(page.get_by_role("heading", name="Eva Sommer")).to_be_visible()
    token = page.evaluate("JSON.parse(sessionStorage.getItem('aimed.emergency')).token")
    with page.expect_response("**/auth/logout") as told:
        page.get_by_role("button", name="End it now").click()
    assert told.value.request.headers["authorization"] == f"Bearer {token}"
    assert told.value.status == 204
    expect(page.get_by_role("status").first).to_contain_text("ended")
    assert page.evaluate("sessionStorage.getItem('aimed.emergency')") is None


def test_who_may_not_is_told(page: Page, site: Site) -> None:
    biller = add_account(site, "biller.bo", display="Biller Bo", roles=("biller",))
    enter(page, biller)
    page.goto(f"{biller.url}/#/emergency")
    page.fill("#number", "p1")
    page.fill("#reason", "I would like to know")
    page.get_by_role("button", name="Open the chart").click()
    expect(page.get_by_role("alert")).to_contain_text("for clinicians and nurses")
