"""A hospital's messages over MLLP, as the dashboard shows them."""

from __future__ import annotations

import os
import socket

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.slow


def adt(trigger: str, minute: int, place: str, name: str = "Kim^Ana", number: str = "4711") -> str:
    when = f"2026010112{minute:02}00+0000"
    return (
        f"MSH|^~\\&|HIS|CITY|AIMED|CITY|{when}||ADT^{trigger}|{number}{trigger}|P|2.5.1\r"
        f"EVN|{trigger}|{when}\r"
        f"PID|1||{number}^^^CITY^MR||{name}||19800203|F\r"
        f"PV1|1|I|{place}||||7^House^Greg^^^Dr^^^NPI||||||||||||V{number}^^^CITY^VN\r"
    )


def send(site: Site, message: str) -> str:
    with socket.create_connection(site.mllp, timeout=60) as peer:
        peer.sendall(b"\x0b" + message.encode() + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            answer += peer.recv(4096)
    return answer.decode()


def test_the_list_follows_the_messages(signed_in: Page, site: Site) -> None:
    page = signed_in
    page.get_by_role("link", name="Here now").click()
    expect(page.get_by_text("Nobody is here")).to_be_visible(timeout=60_000)

    assert "MSA|AA" in send(site, adt("A01", 0, "Ward 3^12^1"))
    row = page.get_by_role("row", name="Ana Kim")
    expect(row).to_contain_text("House", timeout=60_000)
    expect(row).to_contain_text("Ward 3, 12, 1")
    send(site, adt("A01", 1, "Ward 5^2^1", "Okafor^Ben", "4712"))
    expect(page.get_by_role("row", name="Ben Okafor")).to_be_visible(timeout=60_000)
    if folder := os.environ.get("AIMED_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/here-now.png")

    row.get_by_role("link", name="New consultation").click()
    expect(page.locator("#patient optgroup[label='Here now'] option")).to_have_count(1)
    expect(page.locator("#patient")).to_contain_text("Ana Kim, born 1980-02-03")
    page.fill("#find", "okafor")
    expect(page.locator("#patient optgroup[label='Here now'] option")).to_contain_text("Ben Okafor")
    expect(page.get_by_role("alert")).to_have_count(0)
    if folder := os.environ.get("AIMED_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/new.png")
    page.go_back()

    send(site, adt("A03", 30, "Ward 3^12^1"))
    expect(page.get_by_role("row", name="Ben Okafor")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="Ana Kim")).to_have_count(0, timeout=60_000)
