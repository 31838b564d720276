"""Passkeys over HTTP, with an authenticator that can be told to do wrong."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pyotp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.auth.smart.discovery import Addresses
from fhir_server.store.connection import Database
from fhir_server.store.passkeys import PasskeyStore
from tests.accounts import PASSWORD, USERNAME, dr_adams
from tests.fhir_server.auth.identity.conftest import (
    ORIGIN,
    Bearer,
    Open,
    Place,
    bearer_of,
    way_of,
)
from tests.software_authenticator import ELIGIBLE, PRESENT, VERIFIED, Authenticator


@pytest.fixture
async def phone(place: Place) -> Authenticator:
    """An authenticator that Dr Adams has registered."""
    authenticator = Authenticator(ORIGIN)
    assert (await place.enrol(authenticator, await place.bearer())).status_code == 201
    return authenticator


async def test_a_passkey_alone_signs_in(place: Place, phone: Authenticator) -> None:
    options = await place.options()
    assert options["userVerification"] == "required"
    assert (options["rpId"], options["allowCredentials"]) == ("localhost", [])
    answer = await place.use(phone.get(options))
    bearer = bearer_of(answer)
    assert answer.json()["user"]["display"] == "Dr Adams"
    assert answer.json()["enrolling"] is False
    assert (await place.http.get("/fhir/Patient", headers=bearer)).status_code == 200
    newest = (await place.logins())[0]
    assert (newest["outcome"], way_of(newest)) == ("0", "passkey")


async def test_registration_asks_for_a_passkey_that_is_unlocked_and_found_by_itself(
    place: Place,
) -> None:
    bearer = await place.bearer()
    told = (await place.post("account/passkeys/options", {"password": PASSWORD}, bearer)).json()
    options = told["publicKey"]
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-8, -7, -257]
    assert options["attestation"] == "none"
    handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
    assert len(handle) == 64
    assert USERNAME.encode() not in handle
    wrong = await place.post("account/passkeys/options", {"password": "no"}, bearer)
    assert wrong.status_code == 401


async def test_listing_naming_and_removing(place: Place, phone: Authenticator) -> None:
    bearer = bearer_of(await place.use(phone.get(await place.options())))
    key = Authenticator(ORIGIN, id=b"another")
    again = await place.enrol(phone, bearer)
    assert again.status_code == 409
    id = (await place.enrol(key, bearer)).json()["id"]
    renamed = await place.post(f"account/passkeys/{id}/name", {"name": " Key ring "}, bearer)
    assert renamed.status_code == 204
    told = (await place.http.get("/auth/account/passkeys", headers=bearer)).json()["passkeys"]
    assert [(one["name"], one["synced"]) for one in told] == [("Phone", False), ("Key ring", False)]
    assert told[0]["used"] is not None
    assert told[1]["used"] is None
    wrong = await place.post(f"account/passkeys/{id}/remove", {"password": "no"}, bearer)
    assert wrong.status_code == 401
    removed = await place.post(f"account/passkeys/{id}/remove", {"password": PASSWORD}, bearer)
    assert removed.status_code == 204
    assert (await place.use(key.get(await place.options()))).status_code == 401
    gone = await place.post(f"account/passkeys/{id}/remove", {"password": PASSWORD}, bearer)
    assert gone.status_code == 404


async def test_others_passkeys_are_out_of_reach(place: Place, phone: Authenticator) -> None:
    await place.server.accounts.add(replace(dr_adams(), username="dr.baker"))
    bearer = await place.bearer("dr.baker")
    told = (await place.http.get("/auth/account/passkeys", headers=bearer)).json()
    assert told == {"passkeys": []}
    id = phone.get({"challenge": ""})["id"]
    for action, sent in (("name", {"name": "Mine"}), ("remove", {"password": PASSWORD})):
        answer = await place.post(f"account/passkeys/{id}/{action}", sent, bearer)
        assert answer.status_code == 404


async def test_a_new_passkey_ends_the_other_sessions(place: Place) -> None:
    other, bearer = await place.bearer(), await place.bearer()
    assert (await place.enrol(Authenticator(ORIGIN), bearer)).status_code == 201
    assert (await place.http.get("/auth/me", headers=other)).status_code == 401
    assert (await place.http.get("/auth/me", headers=bearer)).status_code == 200


async def test_a_passkey_is_the_second_factor(place: Place, phone: Authenticator) -> None:
    first = (await place.login()).json()
    assert (first["error"], first["factors"]) == ("second_factor_required", ["passkey"])
    assert first["error_description"] == "Now a passkey."
    options = await place.options(first["continuation"])
    assert [one["transports"] for one in options["allowCredentials"]] == [["internal"]]
    answer = await place.use(phone.get(options), first["continuation"])
    assert answer.status_code == 200, answer.text
    assert way_of((await place.logins())[0]) == "passkey after the first factor"
    again = await place.post("login/passkey/options", {"continuation": first["continuation"]})
    assert again.status_code == 401


async def test_the_second_factor_is_a_passkey_of_the_same_person(place: Place) -> None:
    await place.server.accounts.add(replace(dr_adams(), username="dr.baker"))
    adams, baker = Authenticator(ORIGIN, id=b"adams"), Authenticator(ORIGIN, id=b"baker")
    await place.enrol(adams, await place.bearer())
    await place.enrol(baker, await place.bearer("dr.baker"))
    continuation = (await place.login()).json()["continuation"]
    options = await place.options(continuation)
    assert (await place.use(baker.get(options), continuation)).status_code == 401


async def test_a_challenge_is_for_one_ceremony(place: Place, phone: Authenticator) -> None:
    continuation = (await place.login()).json()["continuation"]
    second, alone = await place.options(continuation), await place.options()
    assert (await place.use(phone.get(second))).status_code == 401
    assert (await place.use(phone.get(alone), continuation)).status_code == 401
    bearer = bearer_of(await place.use(phone.get(await place.options())))
    made = Authenticator(ORIGIN, id=b"new").create(
        {"challenge": (await place.options())["challenge"], "user": {"id": "aaaa"}}
    )
    answer = await place.post("account/passkeys", {"name": "New", "credential": made}, bearer)
    assert answer.status_code == 400


async def test_of_twenty_uses_of_one_challenge_one_succeeds(
    place: Place, phone: Authenticator
) -> None:
    answer = phone.get(await place.options())
    answers = await asyncio.gather(*(place.use(answer) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 19


async def test_of_twenty_answers_with_the_same_count_one_succeeds(
    place: Place, phone: Authenticator
) -> None:
    credentials = []
    for _ in range(20):
        phone.count = 7
        credentials.append(phone.get(await place.options()))
    answers = await asyncio.gather(*(place.use(one) for one in credentials))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 19


async def test_a_challenge_expires(place: Place, phone: Authenticator) -> None:
    options = await place.options()
    place.move(minutes=5, seconds=1)
    answer = await place.use(phone.get(options))
    assert answer.status_code == 401
    assert "too long" in answer.json()["error_description"]


async def test_a_counter_that_goes_back_is_refused_and_audited(
    place: Place, phone: Authenticator
) -> None:
    assert (await place.use(phone.get(await place.options()))).status_code == 200
    phone.count -= 1
    answer = await place.use(phone.get(await place.options()))
    assert answer.status_code == 401
    assert "copied" in answer.json()["error_description"]
    newest = (await place.logins())[0]
    assert newest["outcome"] == "4"
    assert newest["outcomeDesc"].endswith("it may have been copied.")
    assert newest["agent"][0]["who"]["reference"] == "Practitioner/p1"


async def test_a_forged_answer_with_an_old_count_is_no_copy(
    place: Place, phone: Authenticator
) -> None:
    """The audit trail says `copied` only of what the passkey has really signed."""
    assert (await place.use(phone.get(await place.options()))).status_code == 200
    forger = Authenticator(ORIGIN, id=phone.id, handle=phone.handle, count=1)
    answer = await place.use(forger.get(await place.options()))
    assert "copied" not in answer.json()["error_description"]


async def test_an_authenticator_that_does_not_count(place: Place) -> None:
    phone = Authenticator(ORIGIN, count=0, flags=PRESENT | VERIFIED | ELIGIBLE)
    made = await place.enrol(phone, await place.bearer())
    assert made.json()["synced"] is True
    for _ in range(2):
        assert (await place.use(phone.get(await place.options()))).status_code == 200


WRONG = {
    "signature by another key": lambda phone: {"key": Authenticator(ORIGIN).key},
    "another relying party": lambda phone: {"rp_id": "evil.example"},
    "not unlocked": lambda phone: {"flags": PRESENT},
    "nobody there": lambda phone: {"flags": VERIFIED},
    "another origin": lambda phone: {"origin": "http://localhost.evil.example:8000"},
    "another port": lambda phone: {"origin": "http://localhost:8001"},
    "unknown credential": lambda phone: {"id": b"never-seen"},
    "another's handle": lambda phone: {"handle": bytes(64)},
    "no handle": lambda phone: {"handle": b""},
    "suddenly synced": lambda phone: {"flags": PRESENT | VERIFIED | ELIGIBLE},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_is_refused(place: Place, phone: Authenticator, wrong) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    other = replace(phone, **wrong(phone))
    answer = await place.use(other.get(await place.options()))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_grant"
    assert (await place.logins())[0]["outcome"] == "4"
    phone.count = max(phone.count, other.count)
    assert (await place.use(phone.get(await place.options()))).status_code == 200


async def test_client_data_of_another_kind_is_refused(place: Place, phone: Authenticator) -> None:
    for changed in ({"type": "webauthn.create"}, {"challenge": "AAAA"}):
        answer = await place.use(phone.get(await place.options(), **changed))
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"origin": "https://localhost:8000"},
    ],
    ids=str,
)
async def test_what_is_wrong_is_not_registered(place: Place, wrong) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    bearer = await place.bearer()
    answer = await place.enrol(replace(Authenticator(ORIGIN), **wrong), bearer)
    assert answer.status_code == 400
    told = (await place.http.get("/auth/account/passkeys", headers=bearer)).json()
    assert told == {"passkeys": []}


async def test_a_registration_counts_once(place: Place) -> None:
    bearer = await place.bearer()
    told = (await place.post("account/passkeys/options", {"password": PASSWORD}, bearer)).json()
    made = [Authenticator(ORIGIN, id=bytes([n] * 8)).create(told["publicKey"]) for n in range(20)]
    answers = await asyncio.gather(
        *(place.post("account/passkeys", {"name": "x", "credential": one}, bearer) for one in made)
    )
    assert sorted(one.status_code for one in answers) == [201] + [400] * 19


async def test_twenty_passkeys_are_the_most(place: Place, database: Database) -> None:
    bearer = await place.bearer()
    assert (await place.enrol(Authenticator(ORIGIN), bearer)).status_code == 201
    store = PasskeyStore(database)
    (first,) = await store.of_subject(USERNAME)
    for number in range(19):
        await store.add(replace(first, id=f"id-{number}"))
    more = await place.post("account/passkeys/options", {"password": PASSWORD}, bearer)
    assert more.status_code == 409


async def test_a_disabled_account_is_not_let_in(place: Place, phone: Authenticator) -> None:
    await place.server.accounts.change(USERNAME, disabled=True)
    assert (await place.use(phone.get(await place.options()))).status_code == 401


async def test_what_a_stranger_sends_is_never_a_fault(place: Place, phone: Authenticator) -> None:
    bearer = bearer_of(await place.use(phone.get(await place.options())))
    leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
    tree = st.recursive(leaf, lambda one: st.lists(one) | st.dictionaries(st.text(), one))
    sent: list[object] = []

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(["id", "rawId", "response", "type"]), tree))
    def collect(one: dict[str, object]) -> None:
        sent.append(one)

    await asyncio.to_thread(collect)
    good = phone.get(await place.options())
    for name in good["response"]:
        for value in (None, 1, "", "é", "AAAA", {"a": 1}, "A" * 9999):
            sent.append({**good, "response": {**good["response"], name: value}})
    for one in sent:
        answer = await place.post("login/passkey", {"credential": one})
        assert answer.status_code == 401, (answer.text, one)
        answer = await place.post("account/passkeys", {"name": "x", "credential": one}, bearer)
        assert answer.status_code == 400, (answer.text, one)


async def test_where_passkeys_work(place: Place, open_place: Open) -> None:
    assert (await place.http.get("/auth/ways")).json() == {"passkeys": True, "provider": None}
    told = (await place.http.get("http://127.0.0.1:8000/auth/ways")).json()
    assert told["passkeys"] is False
    refused = await place.http.post("http://127.0.0.1:8000/auth/login/passkey/options", json={})
    assert refused.status_code == 400
    assert "PUBLIC_URL" in refused.json()["error_description"]

    public = await open_place(public_url="https://aimed.hospital.example/")
    phone = Authenticator("https://aimed.hospital.example", rp_id="aimed.hospital.example")
    assert (await public.enrol(phone, await public.bearer())).status_code == 201
    assert (await public.use(phone.get(await public.options()))).status_code == 200
    for wrong in ("http://aimed.hospital.example", "https://hospital.example", ORIGIN):
        phone.origin = wrong
        assert (await public.use(phone.get(await public.options()))).status_code == 401


async def second_app(place: Place, bearer: Bearer) -> None:
    """Set up an authenticator app."""
    offer = (await place.post("account/totp", {"password": PASSWORD}, bearer)).json()
    now = place.server.server.store.now()
    code = pyotp.TOTP(offer["secret"]).at(now)
    answer = await place.post("account/totp/confirm", {"code": code}, bearer)
    assert answer.status_code == 200, answer.text


async def test_a_role_that_needs_a_second_factor(open_place: Open) -> None:
    place = await open_place(second_factor_roles=["clinician"])
    first = await place.login()
    assert first.json()["enrolling"] is True
    bearer = bearer_of(first)
    for path in ("/fhir/Patient", "/auth/sessions", "/auth/grants"):
        answer = await place.http.get(path, headers=bearer)
        assert answer.status_code == 403, path
        assert "second factor" in answer.text
    emergency = {"patient": "a", "reason": "unconscious on arrival"}
    assert (await place.post("emergency", emergency, bearer)).status_code == 403
    change = {"current": PASSWORD, "new": "violet tractor mumbles"}
    assert (await place.post("account/password", change, bearer)).status_code == 403
    token, addresses = first.json()["access_token"], Addresses(ORIGIN)
    inspection = place.server.smart.inspection
    assert (await inspection.introspect(token, addresses))["active"] is False
    told = (await place.http.get("/auth/account", headers=bearer)).json()
    assert (told["enrolling"], told["second_factor_required"]) == (True, True)

    assert (await place.enrol(Authenticator(ORIGIN), bearer)).status_code == 201
    assert (await place.http.get("/fhir/Patient", headers=bearer)).status_code == 200
    assert (await inspection.introspect(token, addresses))["active"] is True
    assert (await place.login()).json()["error"] == "second_factor_required"


async def test_an_app_is_enough_for_a_role_that_needs_a_second_factor(open_place: Open) -> None:
    place = await open_place(second_factor_roles=["clinician"])
    bearer = await place.bearer()
    await second_app(place, bearer)
    assert (await place.http.get("/fhir/Patient", headers=bearer)).status_code == 200


async def test_the_last_factor_stays_where_one_is_needed(open_place: Open) -> None:
    place = await open_place(second_factor_roles=["clinician"])
    bearer = await place.bearer()
    made = [
        (await place.enrol(Authenticator(ORIGIN, id=bytes([n] * 8)), bearer)).json()["id"]
        for n in range(2)
    ]
    remove = [
        place.post(f"account/passkeys/{id}/remove", {"password": PASSWORD}, bearer) for id in made
    ]
    answers = await asyncio.gather(*remove)
    assert sorted(one.status_code for one in answers) == [204, 403]
    left = (await place.http.get("/auth/account/passkeys", headers=bearer)).json()["passkeys"]
    await second_app(place, bearer)
    last = f"account/passkeys/{left[0]['id']}/remove"
    assert (await place.post(last, {"password": PASSWORD}, bearer)).status_code == 204
    app = await place.post("account/totp/remove", {"password": PASSWORD}, bearer)
    assert app.status_code == 403
    assert "set up another one first" in app.json()["error_description"]


async def test_an_administrator_forgets_every_factor(place: Place, phone: Authenticator) -> None:
    await place.server.second_factor.forget(USERNAME)
    assert (await place.login()).status_code == 200
    assert (await place.use(phone.get(await place.options()))).status_code == 401


async def test_roles_in_the_settings_exist(open_place: Open) -> None:
    with pytest.raises(ValueError, match="roles that do not exist: surgeon"):
        await open_place(second_factor_roles=["surgeon"])
