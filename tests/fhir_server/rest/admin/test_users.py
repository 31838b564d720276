"""Accounts as administrators look after them, over HTTP."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fhir_server.administration.acts import OPERATOR
from fhir_server.auth.back_off import FREE, pause_after
from fhir_server.store.smart.grants import Grant, RefreshToken
from tests.accounts import PASSWORD, dr_adams
from tests.fhir_server.rest.admin.conftest import Clinic, Headers

BETTER = "violet tractor mumbles"


@pytest.fixture
async def admin(clinic: Clinic) -> Headers:
    return await clinic.token("admin")


def acts(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What was asked of the server, and the outcome."""
    return [
        (base64.b64decode(entity["query"]).decode(), one["outcome"])
        for one in events
        for entity in one["entity"]
        if "query" in entity
    ]


async def test_finding_people_page_by_page(clinic: Clinic, admin: Headers) -> None:
    first = (await clinic.user("search", admin, count=4)).json()
    assert [one["username"] for one in first["users"]] == [
        "admin", "auditor", "biller", "clinician",
    ]  # fmt: skip
    second = (await clinic.user("search", admin, count=4, after=first["next"])).json()
    assert [one["username"] for one in second["users"]] == ["nurse", "patient"]
    assert second["next"] == ""
    assert "password_hash" not in str(first)
    for asked, found in (
        ({"text": "THE NUR"}, ["nurse"]),
        ({"text": ".*"}, []),
        ({"role": "biller"}, ["biller"]),
        ({"status": "disabled"}, []),
    ):
        told = (await clinic.user("search", admin, **asked)).json()
        assert [one["username"] for one in told["users"]] == found


async def test_an_account_for_somebody_new_by_a_link(clinic: Clinic, admin: Headers) -> None:
    new = {"username": "Lee.Kim", "display": "Dr Kim Lee", "roles": ["clinician", "auditor"]}
    made = await clinic.user("create", admin, **new)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["username"], told["has_password"], told["status"]) == ("lee.kim", False, "active")
    practitioner = await clinic.http.get(f"/fhir/{told['reference']}", headers=admin)
    assert practitioner.json()["name"] == [{"text": "Dr Kim Lee"}]
    assert (await clinic.login("lee.kim", "")).status_code == 400
    assert (await clinic.login("lee.kim", "anything at all")).status_code == 401
    assert (await clinic.user("create", admin, **new)).status_code == 409
    link = (await clinic.user("password-link", admin, username="lee.kim")).json()
    page, _, token = link["url"].partition("#")
    assert page == "http://test/set-password"
    weak = await clinic.http.post(
        "/auth/password/link", json={"token": token, "password": "password12345"}
    )
    assert (weak.status_code, weak.json()["error"]) == (400, "weak_password")
    sent = {"token": token, "password": BETTER}
    answers = await asyncio.gather(
        *(clinic.http.post("/auth/password/link", json=sent) for _ in range(4))
    )
    assert sorted(one.status_code for one in answers) == [204, 401, 401, 401]
    assert (await clinic.login("lee.kim", BETTER)).status_code == 200
    done = acts(await clinic.events())
    assert ("users/create?username=lee.kim&roles=clinician%2Cauditor", "0") in done
    assert ("users/create?username=lee.kim&roles=clinician%2Cauditor", "4") in done
    assert done.count(("password/link?username=lee.kim", "0")) == 1


async def test_an_account_for_who_is_there_already(clinic: Clinic, admin: Headers) -> None:
    await clinic.server.server.store.transact(
        lambda unit: unit.put({"resourceType": "Patient", "id": "p9"})
    )
    common = {"username": "jo", "display": "Jo", "roles": ["patient"]}
    absent = await clinic.user("create", admin, **common, reference="Patient/p8")
    assert absent.status_code == 400
    told = (await clinic.user("create", admin, **common, reference="Patient/p9")).json()
    assert told["reference"] == "Patient/p9"
    bearer = await clinic.token("jo")
    assert (await clinic.http.get("/fhir/Patient/p9", headers=bearer)).status_code == 200
    await clinic.server.server.store.transact(
        lambda unit: unit.put({"resourceType": "Patient", "id": "p8"})
    )
    assert (await clinic.http.get("/fhir/Patient/p8", headers=bearer)).status_code in (403, 404)


WRONG: tuple[dict[str, Any], ...] = (
    {"username": "a b"},
    {"username": "x"},
    {"roles": ["king"]},
    {"roles": ["break-glass"]},
    {"roles": []},
    {"roles": ["patient", "nurse"]},
    {"roles": ["patient"], "reference": "Practitioner/nurse"},
    {"reference": "Device/x"},
    {"display": "  "},
    {"password_hash": "x"},
)


async def test_accounts_that_cannot_be(clinic: Clinic, admin: Headers) -> None:
    for wrong in WRONG:
        sent = {"username": "new.one", "display": "New", "roles": ["nurse"], **wrong}
        assert (await clinic.user("create", admin, **sent)).status_code == 400, wrong
    assert await clinic.server.accounts.find("new.one") is None


async def test_roles_end_the_sessions_that_had_others(clinic: Clinic, admin: Headers) -> None:
    nurse = await clinic.token("nurse")
    told = await clinic.user("roles", admin, username="nurse", roles=["biller"])
    assert told.json()["roles"] == ["biller"]
    assert (await clinic.http.get("/auth/me", headers=nurse)).status_code == 401
    assert (await clinic.user("roles", admin, username="nurse", roles=["patient"])).is_error
    assert (
        await clinic.user("roles", admin, username="nobody", roles=["nurse"])
    ).status_code == 404
    assert ("users/roles?username=nurse&roles=biller", "0") in acts(await clinic.events())


async def granted(clinic: Clinic, username: str) -> str:
    """A refresh token of an application in somebody's name, by its hash."""
    now = clinic.server.server.store.now()
    grant = Grant(
        id=f"grant-{username}",
        client="chart",
        subject=username,
        reference=f"Practitioner/{username}",
        display=username,
        roles=(username,),
        scopes=("offline_access", "user/*.rs"),
        created=now,
        expires=now + timedelta(days=1),
    )
    await clinic.server.smart.grants.add(grant)
    token = RefreshToken(f"hash-{username}", grant.id, "chart", grant.scopes, grant.expires)
    await clinic.server.smart.grants.add(token)
    return token.hash


async def test_disabling_ends_everything_at_once(clinic: Clinic, admin: Headers) -> None:
    nurse, key = await clinic.token("nurse"), await granted(clinic, "nurse")
    told = await clinic.user("disable", admin, username="nurse")
    assert told.json()["status"] == "disabled"
    assert (await clinic.http.get("/auth/me", headers=nurse)).status_code == 401
    assert await clinic.server.smart.grants.find(RefreshToken, key) is None
    assert await clinic.server.smart.grants.find(Grant, "grant-nurse") is None
    assert (await clinic.login("nurse")).status_code == 401
    assert (await clinic.user("password-link", admin, username="nurse")).status_code == 400
    assert (await clinic.user("enable", admin, username="nurse")).json()["status"] == "active"
    assert (await clinic.login("nurse")).status_code == 200
    done = set(acts(await clinic.events()))
    assert {("users/disable?username=nurse", "0"), ("users/enable?username=nurse", "0")} <= set(
        done
    )


async def test_who_signs_in_while_being_disabled_gets_nothing_that_lasts(
    clinic: Clinic, admin: Headers
) -> None:
    *answers, disabled = await asyncio.gather(
        *(clinic.login("nurse") for _ in range(6)),
        clinic.user("disable", admin, username="nurse"),
    )
    assert disabled.status_code == 200
    for answer in answers:
        token = answer.json().get("access_token", "none")
        told = await clinic.http.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert told.status_code == 401


async def test_the_last_administrator_stays(clinic: Clinic, admin: Headers) -> None:
    for act, more in (("disable", {}), ("roles", {"roles": ["clinician"]})):
        answer = await clinic.user(act, admin, username="admin", **more)
        assert answer.status_code == 409
        assert "last active administrator" in answer.text
    assert (await clinic.user("roles", admin, username="nurse", roles=["admin"])).status_code == 200
    assert (await clinic.user("disable", admin, username="admin")).status_code == 200


async def test_of_twenty_who_demote_each_other_one_stays(clinic: Clinic, admin: Headers) -> None:
    names = [f"chief{n}" for n in range(19)]
    for name in names:
        await clinic.server.accounts.add(
            replace(dr_adams(), username=name, reference=f"Practitioner/{name}", roles=("admin",))
        )
    asked = [
        clinic.server.administration.people.disable(OPERATOR, name)
        if n % 2
        else clinic.server.administration.people.set_roles(OPERATOR, name, ("nurse",))
        for n, name in enumerate([*names, "admin"])
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, BaseException) for one in answers) == 1
    assert await clinic.server.accounts.active("admin") == 1


async def test_a_change_of_rights_asks_for_a_recent_sign_in(clinic: Clinic, admin: Headers) -> None:
    clinic.move(minutes=6)
    sensitive: dict[str, dict[str, Any]] = {
        "create": {"username": "new", "display": "New", "roles": ["nurse"]},
        "roles": {"username": "nurse", "roles": ["nurse", "admin"]},
        "require-password-change": {"username": "nurse"},
        "password-link": {"username": "nurse"},
        "remove-second-factor": {"username": "nurse"},
    }
    for act, sent in sensitive.items():
        answer = await clinic.user(act, admin, **sent)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "login"), act
    wrong = await clinic.user("roles", admin, **sensitive["roles"], password="not this one")
    assert (wrong.status_code, wrong.json()["issue"][0]["code"]) == (403, "login")
    found = await clinic.server.accounts.find("nurse")
    assert found is not None
    assert found.roles == ("nurse",)
    right = await clinic.user("roles", admin, **sensitive["roles"], password=PASSWORD)
    assert right.status_code == 200
    assert (await clinic.user("disable", admin, username="biller")).status_code == 200
    refused = [one for one in acts(await clinic.events()) if one[1] == "4"]
    assert len(refused) == 6


async def test_somebody_has_to_set_another_password(clinic: Clinic, admin: Headers) -> None:
    nurse = await clinic.token("nurse")
    told = await clinic.user("require-password-change", admin, username="nurse")
    assert told.json()["must_change_password"] is True
    assert (await clinic.http.get("/auth/me", headers=nurse)).status_code == 401
    step = await clinic.login("nurse")
    assert (step.status_code, step.json()["error"]) == (401, "password_change_required")
    sent = {"token": step.json()["continuation"], "password": BETTER}
    assert (await clinic.http.post("/auth/password/link", json=sent)).status_code == 204
    assert (await clinic.login("nurse")).status_code == 401
    assert (await clinic.login("nurse", BETTER)).status_code == 200


async def test_a_link_is_over_after_two_days_and_replaced_by_the_next(
    clinic: Clinic, admin: Headers
) -> None:
    first = (await clinic.user("password-link", admin, username="nurse")).json()["url"]
    second = (await clinic.user("password-link", admin, username="nurse")).json()["url"]
    clinic.move(hours=47)
    sent = {"token": first.partition("#")[2], "password": BETTER}
    assert (await clinic.http.post("/auth/password/link", json=sent)).status_code == 401
    clinic.move(hours=2)
    sent = {"token": second.partition("#")[2], "password": BETTER}
    assert (await clinic.http.post("/auth/password/link", json=sent)).status_code == 401


async def test_locked_out_and_unlocked(clinic: Clinic, admin: Headers) -> None:
    for count in range(1, 12):
        assert (await clinic.login("nurse", "wrong")).status_code == 401
        if pause := pause_after(count, FREE["account"]):
            clinic.move(seconds=pause.total_seconds())
    # The pauses are waited for until one is longer than any machine takes for the next try.
    await clinic.login("nurse", "wrong")
    assert (await clinic.login("nurse")).status_code == 429
    told = (await clinic.user("show", admin, username="nurse")).json()
    assert told["lock"]["failures"] >= 5
    assert told["lock"]["until"] is not None
    told = (await clinic.user("unlock", admin, username="nurse")).json()
    assert told["lock"] == {"failures": 0, "until": None}
    assert (await clinic.login("nurse")).status_code == 200
    told = (await clinic.user("show", admin, username="nurse")).json()
    assert told["last_sign_in"] is not None


async def test_a_lost_second_factor_is_removed(clinic: Clinic, admin: Headers) -> None:
    factors = clinic.server.server.store.database["second_factors"]
    await factors.insert_one({"_id": "nurse", "seed": "JBSWY3DPEHPK3PXP", "step": 0})
    assert (await clinic.user("show", admin, username="nurse")).json()["second_factor"] is True
    assert (await clinic.login("nurse")).json()["error"] == "second_factor_required"
    told = (await clinic.user("remove-second-factor", admin, username="nurse")).json()
    assert told["second_factor"] is False
    assert (await clinic.login("nurse")).status_code == 200


async def test_sessions_are_seen_and_ended(clinic: Clinic, admin: Headers) -> None:
    first, second = await clinic.token("nurse"), await clinic.token("nurse")
    told = (await clinic.user("sessions", admin, username="nurse")).json()["sessions"]
    assert [one["agent"] for one in told] == ["Browser", "Browser"]
    await clinic.user("sessions/end", admin, username="nurse", session=told[0]["id"])
    states = [
        (await clinic.http.get("/auth/me", headers=one)).status_code for one in (first, second)
    ]
    assert sorted(states) == [200, 401]
    again = await clinic.user("sessions/end", admin, username="nurse", session=told[0]["id"])
    assert again.status_code == 404
    assert (await clinic.user("sessions/end", admin, username="nurse")).status_code == 204
    assert (await clinic.user("sessions", admin, username="nurse")).json() == {"sessions": []}
    for act in ("show", "sessions"):
        assert (await clinic.user(act, admin, username="nobody")).status_code == 404
        assert (f"users/{act}?username=nobody", "4") in acts(await clinic.events())
