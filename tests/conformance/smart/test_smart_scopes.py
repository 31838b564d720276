"""What scopes give. scopes-and-launch-context.html, resource scopes; conformance.html."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.definitions.elements import resource_types
from tests.accounts import dr_adams
from tests.conformance.asking import Json, ids, resource
from tests.conformance.smart.data_set import CATEGORY, seen
from tests.conformance.smart.site import Site

GUIDE = "docs/guides/smart-apps.md"


async def found(site: Site, query: str, scope: str, patient: str | None = None) -> set[str]:
    answer = await site.read(query, await site.allowed(scope, patient))
    assert answer.status_code == 200, answer.text
    return set(ids(answer.json()))


def bundle(type: str, *requests: tuple[str, str]) -> Json:
    entries = [{"request": {"method": method, "url": url}} for method, url in requests]
    return {"resourceType": "Bundle", "type": type, "entry": entries}


@pytest.mark.requirement(119)
async def test_a_scope_gives_no_more_than_the_person_has(site: Site) -> None:
    """Dr Adams sees no very restricted resources, whatever was granted."""
    token = await site.allowed("user/*.cruds")
    assert (await site.read("Observation/a-vital", token)).status_code == 200
    assert (await site.read("Observation/a-secret", token)).status_code == 404
    assert "a-secret" not in await found(site, "Observation", "user/*.cruds")


@pytest.mark.requirement(119, 140)
async def test_another_person_gets_what_that_one_may_see(site: Site) -> None:
    account = replace(dr_adams(), username="biller", roles=("biller",))
    token = (await site.server.authenticator.issue(account, scope="user/*.cruds")).access_token
    assert (await site.read("Patient/a", token)).status_code == 200
    assert (await site.read("Observation/a-lab", token)).status_code == 403


@pytest.mark.requirement(123)
async def test_u_also_creates(site: Site) -> None:
    body = resource("Basic", "by-update", code={"text": "x"})
    token = await site.allowed("user/Basic.u")
    assert (await site.call("PUT", "Basic/by-update", token, body)).status_code == 201
    refused = await site.call("POST", "Basic", token, resource("Basic", "x", code={"text": "x"}))
    assert refused.status_code == 403


@pytest.mark.requirement(130)
async def test_a_batch_is_checked_entry_by_entry(site: Site) -> None:
    sent = bundle("batch", ("GET", "Patient/a"), ("GET", "Condition/a-ill"), ("GET", "Condition"))
    token = await site.allowed("user/Patient.rs")
    answer = await site.call("POST", "", token, sent)
    status = [one["response"]["status"][:3] for one in answer.json()["entry"]]
    assert status == ["200", "403", "403"]
    wider = await site.call("POST", "", await site.allowed("user/*.rs"), sent)
    assert {one["response"]["status"][:3] for one in wider.json()["entry"]} == {"200"}


@pytest.mark.requirement(130)
async def test_a_transaction_needs_every_scope(site: Site) -> None:
    sent = bundle("transaction", ("GET", "Patient/a"), ("DELETE", "Condition/a-ill"))
    token = await site.allowed("user/Patient.rs user/Condition.rs")
    assert (await site.call("POST", "", token, sent)).status_code == 403
    assert (await site.user.get("/fhir/Condition/a-ill")).status_code == 200


@pytest.mark.requirement(136, 170, 367)
async def test_patient_scopes_are_about_one_patient(site: Site) -> None:
    token = await site.allowed("patient/Observation.rs patient/Patient.r", "a")
    assert (await site.read("Patient/a", token)).status_code == 200
    assert (await site.read("Patient/b", token)).status_code == 404
    assert (await site.read("Observation/b-lab", token)).status_code == 404
    scope = "patient/Observation.rs patient/Patient.r"
    assert await found(site, "Observation", scope, "a") == {"a-lab", "a-vital"}
    assert await found(site, "Observation", scope, "b") == {"b-lab"}
    assert await found(site, "Observation?patient=b", scope, "a") == set()


@pytest.mark.requirement(139)
async def test_patient_link_does_what_the_guide_says(
    site: Site, pytestconfig: pytest.Config
) -> None:
    guide = (pytestconfig.rootpath / GUIDE).read_text("utf-8")
    assert "`Patient.link`" in guide
    assert await found(site, "Patient", "patient/*.rs", "a") == {"a", "c"}
    assert "c-lab" not in await found(site, "Observation", "patient/*.rs", "a")
    assert await found(site, "Patient", "patient/*.rs", "c") == {"c"}


@pytest.mark.requirement(140, 368)
async def test_user_scopes_are_about_all_that_the_person_may_see(site: Site) -> None:
    scope = "user/Observation.rs"
    assert {"a-lab", "b-lab"} <= await found(site, "Observation", scope)
    assert (await site.read("Patient/a", await site.allowed(scope))).status_code == 403


@pytest.mark.requirement(142)
async def test_system_scopes_are_about_the_client(site: Site) -> None:
    token = (await site.service("system/Observation.rs"))["access_token"]
    answer = await site.read("Observation", token)
    assert {"a-lab", "b-lab"} <= set(ids(answer.json()))
    assert (await site.read("Condition/a-ill", token)).status_code == 403


@pytest.mark.requirement(144)
async def test_a_wildcard_is_about_every_type(site: Site) -> None:
    stated = (await site.browser.get("/fhir/metadata")).json()["rest"][0]["resource"]
    types = {one["type"] for one in stated}
    assert types == set(resource_types()) & types
    assert len(types) > 100
    token = await site.allowed("user/*.rs")
    # The role decides on the audit, whatever the scope is.
    for type in sorted(types - {"AuditEvent"}):
        answer = await site.read(f"{type}?_summary=count", token)
        assert answer.status_code == 200, type


@pytest.mark.requirement(369)
async def test_scopes_of_version_1(site: Site) -> None:
    body = await site.answer("user/Condition.read")
    assert body["scope"] == "user/Condition.read"
    token = body["access_token"]
    assert (await site.read("Condition/a-ill", token)).status_code == 200
    assert (await site.read("Condition", token)).status_code == 200
    sent = (await site.user.get("/fhir/Condition/a-ill")).json()
    assert (await site.call("PUT", "Condition/a-ill", token, sent)).status_code == 403
    written = await site.allowed("user/Condition.write")
    assert (await site.call("PUT", "Condition/a-ill", written, sent)).status_code == 200
    assert (await site.read("Condition/a-ill", written)).status_code == 403


@pytest.mark.requirement(370)
async def test_granular_scopes_of_version_2(site: Site) -> None:
    scope = f"patient/Observation.crs?category={CATEGORY}|vital-signs"
    token = await site.allowed(scope, "a")
    assert await found(site, "Observation", scope, "a") == {"a-vital"}
    assert (await site.read("Observation/a-vital", token)).status_code == 200
    assert (await site.read("Observation/a-lab", token)).status_code == 404
    refused = await site.call("POST", "Observation", token, seen("x", "a", "laboratory"))
    assert refused.status_code == 403
