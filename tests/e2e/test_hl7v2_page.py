"""Administrators at the page for HL7 v2, in a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import hl7.client
import pytest
from playwright.sync_api import Page, expect

from aimed.embedded import Stack
from aimed.settings import Settings
from fhir_server.store.accounts import AccountStore
from fhir_server.store.connection import connect
from tests.accounts import PASSWORD, dr_adams
from tests.conftest import background_loop
from tests.e2e.conftest import Site
from tests.integrations.hl7v2.test_end_to_end import adt, oru, visit
from tests.reserved_port import reserved_port

pytestmark = pytest.mark.slow
Z_SEGMENT = "ZPD|1|house rule\r"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack that has received messages, with a destination that nobody answers at."""
    data = tmp_path_factory.mktemp("hospital")
    with (
        background_loop() as loop,
        pytest.MonkeyPatch.context() as patch,
        reserved_port() as port,
    ):
        destination = {"name": "archive", "host": "127.0.0.1", "port": port, "messages": ["ADT"]}
        # By the environment, which the stack's programs have too.
        patch.setenv("AIMED_HL7V2__OUTBOUND__DESTINATIONS", json.dumps([destination]))
        stack = Stack(Settings(), data)
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(280)
        try:
            asyncio.run_coroutine_threadsafe(_add_people(stack), loop).result(120)
            _send(stack.listeners[0].port)
            yield Site(stack.http_url, "an.admin", PASSWORD, stack.mongo_uri, data)
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)


async def _add_people(stack: Stack) -> None:
    async with connect(stack.mongo_uri) as mongo:
        accounts = AccountStore(mongo[Settings().mongo.database])
        for name, role in (("an.admin", "admin"), ("a.nurse", "nurse")):
            await accounts.add(replace(dr_adams(), username=name, roles=(role,)))


def _send(port: int) -> None:
    messages = [
        adt("A01", "P1", "P1", "EVERYMAN", visit("VP1") + Z_SEGMENT),
        oru("P2", "P1", "EVERYMAN", "7.1"),
        adt("A01", "P3", "P3", "OTHER", visit("VP3")).replace("ADT^A01", ""),
    ]
    with hl7.client.MLLPClient("127.0.0.1", port) as client:
        for one in messages:
            client.send_message(one)


def _sign_in(page: Page, site: Site, name: str, path: str = "/hl7v2") -> None:
    page.goto(f"{site.url}{path}")
    page.fill("#username", name)
    page.fill("#password", site.password)
    page.press("#password", "Enter")


def test_messages_beside_their_results(page: Page, hospital: Site) -> None:
    _sign_in(page, hospital, "an.admin")
    listeners = page.get_by_role("table", name="Listeners")
    expect(listeners).to_contain_text("default")
    expect(listeners).to_contain_text("in order")
    expect(page.get_by_role("link", name="HL7 v2")).to_have_attribute("aria-current", "page")

    page.get_by_role("link", name="Messages").click()
    table = page.get_by_role("table", name="Messages", exact=True)
    expect(table.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Control id").fill("P1")
    page.get_by_label("Control id").press("Enter")
    expect(table.locator("tbody tr")).to_have_count(1)
    table.get_by_role("link", name="P1").press("Enter")

    expect(page.get_by_role("heading", name="ADT^A01 P1")).to_be_visible()
    expect(page.locator(".seg.whole")).to_contain_text("house rule")
    expect(page.get_by_text("ZPD not mapped")).to_be_visible()
    patient = page.locator("details", has=page.get_by_text("Patient", exact=True))
    patient.locator("summary").press("Enter")
    expect(patient.locator("pre")).to_contain_text("EVERYMAN")
    expect(page.locator(".seg .marked", has_text="EVERYMAN")).to_be_visible()
    assert "P1" not in page.url.rpartition("/")[2]

    page.get_by_role("button", name="Process again").click()
    page.get_by_role("dialog").get_by_role("button", name="Process again").press("Enter")
    expect(page.locator(".chip", has_text="replayed")).to_be_visible(timeout=60_000)

    page.get_by_role("link", name="Back to the messages").click()
    expect(page.get_by_label("Control id")).to_have_value("P1")


def test_what_fails_is_found_and_processed_again(page: Page, hospital: Site) -> None:
    _sign_in(page, hospital, "an.admin", "/hl7v2#/messages")
    page.get_by_label("State").select_option("failed")
    page.get_by_role("button", name="Search").click()
    table = page.get_by_role("table", name="Messages", exact=True)
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table).to_contain_text("MSH-9 (message type) is required.")
    page.get_by_role("button", name="Process all that match again").click()
    expect(page.get_by_role("dialog")).to_contain_text("Process this message again?")
    page.keyboard.press("Escape")
    page.get_by_label("Patient id").fill("nobody")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No message is found.")).to_be_visible()


def test_a_pasted_message_is_converted_and_not_stored(page: Page, hospital: Site) -> None:
    _sign_in(page, hospital, "an.admin", "/hl7v2#/try")
    box = page.get_by_role("textbox", name="Message")
    box.fill("no message")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("alert")).to_be_visible()
    box.fill(adt("A01", "T1", "T1", "TRIED", visit("VT1") + Z_SEGMENT).replace("\r", "\n"))
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("heading", name="What would be made of it")).to_be_visible()
    expect(page.locator(".seg.whole")).to_contain_text("house rule")
    expect(page.get_by_role("heading", name="Structure")).to_have_count(0)
    page.get_by_label("Check its structure").check()
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("region", name="Structure")).to_contain_text("Nothing is wrong with it")
    box.fill(adt("A01", "T1", "T1", "TRIED", Z_SEGMENT).replace("\r", "\n"))
    page.get_by_role("button", name="Convert").click()
    findings = page.get_by_role("table", name="Findings").locator("tbody tr")
    expect(findings).to_have_count(1)
    expect(findings).to_contain_text("PV1 is required in ADT_A01 and is missing.")
    page.get_by_role("link", name="Messages").click()
    page.get_by_label("Control id").fill("T1")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No message is found.")).to_be_visible()


def test_destinations_are_paused_and_resumed(page: Page, hospital: Site) -> None:
    _sign_in(page, hospital, "an.admin")
    table = page.get_by_role("table", name="Destinations")
    expect(table).to_contain_text("trying again", timeout=60_000)
    expect(table).to_contain_text("not connected: connection refused")
    table.get_by_role("button", name="Pause archive").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(table).to_contain_text("paused")
    table.get_by_role("button", name="Resume archive").click()
    expect(table.get_by_role("button", name="Pause archive")).to_be_visible()


def test_it_is_for_administrators_and_for_narrow_screens(page: Page, hospital: Site) -> None:
    _sign_in(page, hospital, "a.nurse")
    expect(page.get_by_role("heading", name="Not for your role")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.set_viewport_size({"width": 360, "height": 740})
    _sign_in(page, hospital, "an.admin", "/hl7v2#/messages")
    page.get_by_role("link", name="P2").click()
    expect(page.get_by_role("heading", name="ORU^R01 P2")).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
