"""The SMART client of npm, `fhirclient`, unmodified, in an application on an origin of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copy
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, post, register
from tests.fhir_server.smart.flow import public_client

NPM = Path(__file__).parent.parent / "interop/npm"
LIBRARY = NPM / "node_modules/fhirclient/build/fhir-client.min.js"
NOTE = {
    "resourceType": "DocumentReference",
    "status": "current",
    "type": {"text": "Progress note"},
    "content": [{"attachment": {"contentType": "text/plain", "data": "U2xlcHQgd2VsbC4="}}],
}
CREATE = """note => client.create({
    ...note, subject: {reference: `Patient/${client.patient.id}`},
    author: [{reference: client.user.fhirUser.split("/").slice(-2).join("/")}],
})"""
FETCH = "address => fetch(address).then(answer => answer.status, error => error.name)"


@dataclass(frozen=True)
class Chart:
    """The application's origin, one that is not registered, and an id of a patient."""

    origin: str
    foreign: str
    site: Site
    token: str
    patient: str

    @property
    def fhir(self) -> str:
        return f"{self.site.url}/fhir"


class Quiet(SimpleHTTPRequestHandler):
    """Files of a directory, without a line on stderr for each."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The files of a directory on a free port; the origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def site(fresh_site: Site) -> Site:
    """The origins of applications are looked up anew after half a minute only."""
    return fresh_site


@pytest.fixture(scope="module")
def chart(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chart]:
    assert LIBRARY.exists(), "The JavaScript clients are missing: `make test` installs them."
    pages = tmp_path_factory.mktemp("pages")
    for file in (LIBRARY, *(NPM / "app").iterdir()):
        copy(file, pages)
    with served(pages) as origin, served(pages) as foreign:
        address = {
            "redirect_uris": (f"{origin}/index.html",),
            "launch_url": f"{origin}/launch.html",
        }
        register(site, public_client("js-chart", **address))
        login = {"username": site.username, "password": site.password}
        token = post(site, "/auth/login", login)["access_token"]
        patient = {"resourceType": "Patient", "name": [{"family": "Winter"}]}
        id = post(site, "/fhir/Patient", patient, token)["id"]
        yield Chart(origin, foreign, site, token, id)


def sign_in(page: Page, site: Site) -> None:
    page.fill("#username", site.username)
    page.fill("#password", site.password)
    page.press("#password", "Enter")
    expect(page.get_by_role("heading")).to_have_text("Growth chart asks for access")


def allow(page: Page, chart: Chart) -> None:
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{chart.origin}/index.html**")
    expect(page.get_by_role("status")).to_have_text("Ready")


def test_a_standalone_launch(page: Page, chart: Chart) -> None:
    page.goto(f"{chart.origin}/launch.html?{urlencode({'iss': chart.fhir})}")
    sign_in(page, chart.site)
    page.fill("#find", "winter")
    expect(page.locator("#patient option")).to_have_count(1)
    allow(page, chart)
    patient = page.evaluate("client.patient.read()")
    assert (patient["id"], patient["name"][0]["family"]) == (chart.patient, "Winter")
    assert page.evaluate("client.user.read()")["resourceType"] == "Practitioner"
    assert page.evaluate("client.getIdToken().fhirUser").startswith(f"{chart.fhir}/Practitioner/")


def test_an_ehr_launch(page: Page, chart: Chart) -> None:
    opened = {"client": "js-chart", "patient": chart.patient, "intent": "review"}
    given = post(chart.site, "/auth/launches", opened, chart.token)
    page.goto(f"{given.pop('launch_url')}?{urlencode(given)}")
    sign_in(page, chart.site)
    expect(page.locator("#patient")).to_have_count(0)
    allow(page, chart)
    assert page.evaluate("client.patient.read()")["id"] == chart.patient
    told = page.evaluate("client.state.tokenResponse")
    assert (told["intent"], told["need_patient_banner"]) == ("review", True)
    assert page.evaluate(FETCH, told["smart_style_url"]) == 200

    refreshed = page.evaluate("client.refresh()")["tokenResponse"]
    for name in ("access_token", "refresh_token"):
        assert refreshed[name] != told[name]
    created = page.evaluate(CREATE, NOTE)
    assert created["author"][0]["reference"].startswith("Practitioner/")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Ready")
    page.evaluate("client.state.expiresAt = 0")
    search = f"client.request('DocumentReference?patient={chart.patient}')"
    found = page.evaluate(search)["entry"]
    assert [one["resource"]["id"] for one in found] == [created["id"]]
    assert page.evaluate("client.state.tokenResponse.access_token") != refreshed["access_token"]


def test_a_foreign_origin_reads_metadata_alone(page: Page, chart: Chart) -> None:
    page.goto(f"{chart.foreign}/index.html")
    assert page.evaluate(FETCH, f"{chart.fhir}/.well-known/smart-configuration") == 200
    assert page.evaluate(FETCH, f"{chart.fhir}/Patient/{chart.patient}") == "TypeError"
    page.goto(f"{chart.origin}/index.html")
    assert page.evaluate(FETCH, f"{chart.fhir}/Patient/{chart.patient}") == 401
