"""The same 300 changed requests to our endpoints and to authlib's server classes.

Both accept or both refuse, but for the differences that `INTENDED` lists: there we are stricter, as
SMART App Launch 2.2 and OAuth 2.1 are. Never does ours accept what authlib refuses.
"""

from __future__ import annotations

import base64
import hashlib
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from fhir_server.auth.smart.hashing import hashed
from fhir_server.store.smart.grants import Code
from tests.fhir_server.smart.flow import REDIRECT, VERIFIER, App
from tests.fhir_server.smart.test_mutated_requests import MUTATIONS

Pairs = list[tuple[str, str]]
ROUNDS = 150
SCOPE = "openid user/Patient.rs"

INTENDED = {
    "state is needed": lambda pairs, form: not dict(pairs).get("state"),
    "aud is needed and must be ours": lambda pairs, form: dict(pairs).get("aud") != form["aud"],
    "PKCE is needed at once, S256 only": lambda pairs, form: (
        dict(pairs).get("code_challenge_method") != "S256" or not dict(pairs).get("code_challenge")
    ),
    "a challenge is 43 characters of base64url": lambda pairs, form: (
        dict(pairs)["code_challenge"] != form["code_challenge"]
    ),
    "redirect_uri is needed": lambda pairs, form: "redirect_uri" not in dict(pairs),
    "no parameter is repeated, whatever its name": lambda pairs, form: (
        len(dict(pairs)) < len(pairs)
    ),
    "none of the scopes is known": lambda pairs, form: dict(pairs).get("scope") != form["scope"],
    "no control characters": lambda pairs, form: any("\x00" in value for _, value in pairs),
}
"""What we refuse and authlib takes, by what shows it."""


class Client:
    """The application `app`, as authlib wants a client to answer."""

    def get_client_id(self) -> str:
        return "app"

    def get_default_redirect_uri(self) -> str:
        return REDIRECT

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT

    def check_client_secret(self, secret: str) -> bool:
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Issued:
    """A code of authlib's."""

    code_challenge_method = "S256"

    def __init__(self, challenge: str) -> None:
        self.code_challenge = challenge

    def get_redirect_uri(self) -> str:
        return REDIRECT

    def get_scope(self) -> str:
        return SCOPE


class Sent(OAuth2Payload):
    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    @property
    def data(self) -> dict[str, str]:
        return dict(reversed(self._pairs))

    @property
    def datalist(self) -> Any:
        found: dict[str, list[str]] = {}
        for name, value in self._pairs:
            found.setdefault(name, []).append(value)
        return found


class Request(OAuth2Request):
    def __init__(self, method: str, uri: str, pairs: Pairs) -> None:
        super().__init__(method, uri)
        self.payload = Sent(pairs)

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data if self.method == "GET" else {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data if self.method == "POST" else {}


class Grant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    codes: dict[str, Issued]

    def save_authorization_code(self, code: str, request: Any) -> None:
        return

    def query_authorization_code(self, code: str, client: Client) -> Issued | None:
        return self.codes.get(code)

    def delete_authorization_code(self, authorization_code: Issued) -> None:
        return

    def authenticate_user(self, authorization_code: Issued) -> object:
        return object()


class S256(CodeChallenge):
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class Authlib(AuthorizationServer):
    """The second opinion. `codes` are those that may be exchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, Issued] = {}
        grant = type("OwnGrant", (Grant,), {"codes": self.codes})
        self.register_grant(grant, [S256(required=True)])
        self.register_token_generator("default", lambda *_, **__: {"access_token": "t"})

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == "app" else None

    def save_token(self, token: Any, request: Any) -> None:
        return

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        return

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Any:
        return status, body

    def asks(self, pairs: Pairs) -> bool:
        """Whether the person would be asked."""
        try:
            self.get_consent_grant(Request("GET", "https://test/auth/authorize", pairs))
        except (OAuth2Error, ValueError):  # it cannot name a parameter with control characters
            return False
        return True

    def issues(self, pairs: Pairs) -> bool:
        """Whether a token would be issued."""
        sent = Request("POST", "https://test/auth/token", pairs)
        try:
            status, _ = self.create_token_response(sent)
        except ValueError:
            return False
        return bool(status == 200)


def intended(pairs: Pairs, form: dict[str, str]) -> bool:
    return any(rule(pairs, form) for rule in INTENDED.values())


async def test_authorization_requests(app: App) -> None:
    dice, second, both = random.Random(3), Authlib(), 0
    form = app.request(SCOPE, nonce="n")
    for _ in range(ROUNDS):
        pairs = dice.choice(MUTATIONS)(form, dice)
        answer = await app.browser.get(f"/auth/authorize?{urlencode(pairs)}")
        ours = "request=" in answer.headers.get("location", "")
        theirs = second.asks(pairs)
        assert ours == theirs or (theirs and intended(pairs, form)), pairs
        both += ours
    assert both > 0


async def test_token_requests(app: App) -> None:
    dice, second, issued = random.Random(4), Authlib(), 0
    first = await app.server.smart.grants.find(Code, hashed(await app.code(SCOPE)))
    assert first is not None
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    for round in range(ROUNDS):
        code = f"{dice.getrandbits(172):043x}"
        # Not the minute that the first has: that is over before the last round of a slow machine.
        later = first.expires + timedelta(hours=1)
        await app.server.smart.grants.add(replace(first, hash=hashed(code), expires=later))
        second.codes[code] = Issued(challenge.rstrip(b"=").decode())
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "client_id": "app",
        }
        pairs = list(form.items()) if round % 10 == 0 else dice.choice(MUTATIONS)(form, dice)
        ours = (await exchange(app, pairs)).status_code == 200
        theirs = second.issues(pairs)
        assert ours == theirs or (theirs and len(dict(pairs)) < len(pairs)), pairs
        issued += ours
    assert issued == ROUNDS // 10


async def exchange(app: App, pairs: Pairs) -> httpx2.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await app.browser.post("/auth/token", content=urlencode(pairs), headers=headers)
