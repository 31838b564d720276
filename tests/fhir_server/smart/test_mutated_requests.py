"""A thousand mutations of authorization and token requests: no 500, and no token by mistake."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from fhir_server.auth.smart.hashing import hashed
from fhir_server.store.smart.grants import Code
from tests.fhir_server.smart.flow import REDIRECT, VERIFIER, App

ROUNDS = 500
JUNK = ("", " ", "\x00", "ü", "a" * 5000, "null", "../../", "%00", "' or 1=1", '{"$ne":null}', "[]")
Form = dict[str, str]


def dropped(form: Form, dice: random.Random) -> list[tuple[str, str]]:
    gone = dice.choice(sorted(form))
    return [pair for pair in form.items() if pair[0] != gone]


def replaced(form: Form, dice: random.Random) -> list[tuple[str, str]]:
    return list({**form, dice.choice(sorted(form)): dice.choice(JUNK)}.items())


def doubled(form: Form, dice: random.Random) -> list[tuple[str, str]]:
    return [*form.items(), dice.choice(sorted(form.items()))]


def renamed(form: Form, dice: random.Random) -> list[tuple[str, str]]:
    name = dice.choice(sorted(form))
    other = dice.choice([f"{name}[$ne]", f"{name}[]", name.upper(), f" {name}"])
    return [(other if one == name else one, value) for one, value in form.items()]


def bent(form: Form, dice: random.Random) -> list[tuple[str, str]]:
    """One character of one value is another."""
    name = dice.choice(sorted(form))
    text = form[name]
    place = dice.randrange(len(text))
    other = dice.choice([one for one in "abcXYZ0 &=%/?" if one != text[place]])
    return list({**form, name: f"{text[:place]}{other}{text[place + 1 :]}"}.items())


MUTATIONS: tuple[Callable[[Form, random.Random], list[tuple[str, str]]], ...] = (
    dropped,
    replaced,
    doubled,
    renamed,
    bent,
)
HARMLESS = {"scope", "state", "nonce", "aud", "code_challenge"}
"""Parameters whose change may still make a good request."""


async def test_authorization_requests(app: App) -> None:
    dice = random.Random(1)
    form = app.request("openid user/Patient.rs", nonce="n")
    for _ in range(ROUNDS):
        pairs = dice.choice(MUTATIONS)(form, dice)
        answer = await app.browser.get(f"/auth/authorize?{urlencode(pairs)}")
        assert answer.status_code in (303, 400), (answer.status_code, pairs)
        asked = "request=" in answer.headers.get("location", "")
        changed = {name for name, value in form.items() if (name, value) not in pairs}
        assert not asked or changed <= HARMLESS, pairs
        if answer.status_code == 303 and not asked:
            assert answer.headers["location"].startswith(f"{REDIRECT}?error=")


async def test_token_requests(app: App) -> None:
    dice = random.Random(2)
    first = await app.server.smart.grants.find(Code, hashed(await app.code("openid")))
    assert first is not None
    for _ in range(ROUNDS):
        code = f"{dice.getrandbits(172):043x}"
        await app.server.smart.grants.add(replace(first, hash=hashed(code)))
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "client_id": "app",
        }
        pairs = dice.choice(MUTATIONS)(form, dice)
        answer = await app.browser.post(
            "/auth/token",
            content=urlencode(pairs),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code in (400, 401), (answer.status_code, pairs)
        assert answer.json()["error"]
