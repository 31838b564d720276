"""An OpenID provider that answers wrongly, each time in one way. Core 1.0 3.1.3.7, RFC 9207."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from structlog.testing import capture_logs

from fhir_server.auth.identity.provider import Identity
from fhir_server.clock import system_clock
from fhir_server.errors import NotAuthenticated, Unavailable
from tests.fhir_server.smart.flow import challenge
from tests.integrations.openid_provider.conftest import (
    ASKED,
    Liar,
    Meet,
    part,
    response,
    rsa_key,
)

NOW = int(system_clock().timestamp())


async def test_an_honest_answer(meet: Meet) -> None:
    meeting = await meet()
    meeting.liar.claims = {"amr": ["pwd", "otp", 3], "acr": "gold"}
    found = await meeting.identify()
    assert found == Identity(meeting.liar.issuer, "person-1", ("pwd", "otp"), "gold")
    path, headers, form = next(one for one in meeting.liar.asked if one[0] == "/token")
    assert path == "/token"
    # aimed:s%25%2F%2B+ : RFC 6749 2.3.1 has both parts form-urlencoded first.
    assert headers["authorization"] == "Basic YWltZWQ6cyUyNSUyRiUyQis="
    assert form == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": ASKED.redirect_uri,
        "code_verifier": ASKED.verifier,
    }


async def test_the_request(meet: Meet) -> None:
    meeting = await meet(scopes=["openid", "profile"], second_factor_acr=["gold"])
    meeting.liar.metadata = {"authorization_endpoint": f"{meeting.liar.issuer}/a?tenant=1"}
    address = urlsplit(await meeting.provider.address(ASKED))
    assert dict(parse_qsl(address.query)) == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "aimed",
        "redirect_uri": ASKED.redirect_uri,
        "scope": "openid profile",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": challenge(ASKED.verifier),
        "code_challenge_method": "S256",
        "acr_values": "gold",
    }


CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another-client"},
    "no audience": {"aud": None},
    "two audiences, no azp": {"aud": ["aimed", "another"]},
    "azp of another": {"azp": "another"},
    "two audiences, azp of another": {"aud": ["aimed", "another"], "azp": "another"},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "nonce is no text": {"nonce": 1},
    "half a surrogate pair": {"nonce": "\ud800"},
    "expired": {"exp": NOW - 120},
    "no exp": {"exp": None},
    "exp is no time": {"exp": "tomorrow"},
    "exp is a truth value": {"exp": True},
    "no iat": {"iat": None},
    "made tomorrow": {"iat": NOW + 86400, "exp": NOW + 90000},
    "made an hour ago": {"iat": NOW - 3600},
    "not yet": {"nbf": NOW + 86400},
    "no sub": {"sub": None},
    "empty sub": {"sub": ""},
    "endless sub": {"sub": "x" * 256},
    "sub is no text": {"sub": 7},
    "sub with a line break": {"sub": "person-1\n"},
}


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS.keys())
async def test_wrong_claims(meet: Meet, claims: dict[str, Any]) -> None:
    meeting = await meet()
    meeting.liar.claims = claims
    with capture_logs() as logs, pytest.raises(NotAuthenticated) as refused:
        await meeting.identify()
    assert "was not accepted" in str(refused.value)
    assert len(logs) == 1
    assert "person-1" not in json.dumps(logs)


async def test_two_audiences_with_azp(meet: Meet) -> None:
    meeting = await meet()
    meeting.liar.claims = {"aud": ["aimed", "another"], "azp": "aimed"}
    assert (await meeting.identify()).subject == "person-1"


def unsigned(liar: Liar) -> None:
    liar.forge = lambda claims: f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims)}."


def unsigned_otherwise(liar: Liar) -> None:
    liar.forge = lambda claims: f"{part({'alg': 'NoNe', 'kid': 'one'})}.{part(claims)}."


def with_the_public_key_as_secret(liar: Liar) -> None:
    """The old confusion of an RSA key with an HMAC key."""
    key = liar.keys["one"]
    assert isinstance(key, RSAKey)
    pem = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    liar.forge = lambda claims: by_hmac(pem, claims)


def with_the_client_secret(liar: Liar) -> None:
    liar.forge = lambda claims: by_hmac(b"s%/+ ", claims)


def by_hmac(secret: bytes, claims: dict[str, Any]) -> str:
    """By hand: the library makes no such thing."""
    signed = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
    digest = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def by_an_unknown_key(liar: Liar) -> None:
    liar.header = {"kid": "two"}


def by_another_key(liar: Liar) -> None:
    other = rsa_key(1)
    liar.forge = lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, other)


def by_an_algorithm_that_is_not_listed(liar: Liar) -> None:
    liar.header = {"alg": "RS384"}


def by_a_key_of_another_algorithm(liar: Liar) -> None:
    liar.header = {"kid": "curve"}
    liar.keys["curve"] = ECKey.generate_key("P-256")


def without_kid(liar: Liar) -> None:
    liar.header = {"kid": None}


def with_crit(liar: Liar) -> None:
    key = liar.keys["one"]

    def forge(claims: dict[str, Any]) -> str:
        _, body, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key).split(".")
        return ".".join((part({"alg": "RS256", "kid": "one", "crit": ["x"]}), body, signature))

    liar.forge = forge


def changed_afterwards(liar: Liar) -> None:
    key = liar.keys["one"]

    def forge(claims: dict[str, Any]) -> str:
        header, _, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key).split(".")
        return ".".join((header, part({**claims, "sub": "person-2"}), signature))

    liar.forge = forge


def of_two_keys_of_one_name(liar: Liar) -> None:
    keys = [rsa_key(1), liar.keys["one"]]
    public = [{**key.as_dict(private=False), "kid": "one"} for key in keys]
    liar.published = lambda: {"keys": public}


def no_token(liar: Liar) -> None:
    liar.answers["/token"] = response(200, b'{"access_token": "x"}')


def a_number(liar: Liar) -> None:
    liar.answers["/token"] = response(200, b'{"id_token": 7}')


def no_jwt(liar: Liar) -> None:
    liar.forge = lambda claims: "x.y"


def an_endless_jwt(liar: Liar) -> None:
    liar.claims = {"extra": "x" * 40_000}


def a_refusal(liar: Liar) -> None:
    liar.answers["/token"] = response(400, b'{"error": "invalid_grant"}')


@pytest.mark.parametrize(
    "lie",
    [
        unsigned,
        unsigned_otherwise,
        with_the_public_key_as_secret,
        with_the_client_secret,
        by_an_unknown_key,
        by_another_key,
        by_an_algorithm_that_is_not_listed,
        by_a_key_of_another_algorithm,
        without_kid,
        with_crit,
        changed_afterwards,
        of_two_keys_of_one_name,
        no_token,
        a_number,
        no_jwt,
        an_endless_jwt,
        a_refusal,
    ],
)
async def test_wrong_tokens(meet: Meet, lie: Any) -> None:
    meeting = await meet()
    lie(meeting.liar)
    with pytest.raises(NotAuthenticated):
        await meeting.identify()


@pytest.mark.parametrize(
    ("names_itself", "iss", "good"),
    [
        (True, "right", True),
        (True, None, False),
        (True, "https://evil.example", False),
        (False, None, True),
        (False, "right", True),
        (False, "https://evil.example", False),
    ],
)
async def test_who_sent_the_answer(
    meet: Meet, names_itself: bool, iss: str | None, good: bool
) -> None:
    meeting = await meet()
    meeting.liar.metadata = {"authorization_response_iss_parameter_supported": names_itself}
    given = meeting.liar.issuer if iss == "right" else iss
    if good:
        assert (await meeting.identify(iss=given)).subject == "person-1"
        return
    with pytest.raises(NotAuthenticated):
        await meeting.identify(iss=given)
    assert "/token" not in [path for path, *_ in meeting.liar.asked], "the code went out"


METADATA: dict[str, dict[str, Any]] = {
    "of another issuer": {"issuer": "https://evil.example"},
    "without issuer": {"issuer": None},
    "with a script as address": {"authorization_endpoint": "javascript:alert(1)"},
    "without address": {"authorization_endpoint": None},
    "with no address at all": {"authorization_endpoint": "http://[x"},
    "without token endpoint": {"token_endpoint": None},
    "with a list": {"jwks_uri": ["x"]},
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA.keys())
async def test_metadata(meet: Meet, metadata: dict[str, Any]) -> None:
    meeting = await meet()
    meeting.liar.metadata = metadata
    with pytest.raises(Unavailable):
        await meeting.provider.address(ASKED)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize(
    "answer",
    [
        response(302, b"", Location="/.well-known/openid-configuration"),
        response(500, b'{"error": "x"}'),
        response(200, b"<html>"),
        response(200, b"[]"),
        response(200, b'{"a": 1, "a": 2}'),
        response(200, b'"' + b"x" * 1_100_000 + b'"'),
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=["redirect", "fault", "page", "list", "twice", "endless", "no HTTP", "nothing"],
)
async def test_answers_that_are_none(meet: Meet, path: str, answer: bytes) -> None:
    meeting = await meet()
    meeting.liar.answers[path] = answer
    with pytest.raises(Unavailable) as refused:
        await meeting.identify()
    assert str(refused.value).startswith("Your organization does not answer")
    asked = [one for one, *_ in meeting.liar.asked]
    assert asked.count(path) == 1, "a redirect or failure is not followed"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_one_that_never_answers(meet: Meet, path: str) -> None:
    meeting = await meet(seconds=0.2)
    meeting.liar.slow = frozenset({path})
    with pytest.raises(Unavailable):
        await meeting.identify()


async def test_a_key_set_that_gives_secrets_away(meet: Meet) -> None:
    meeting = await meet()
    key = {**meeting.liar.keys["one"].as_dict(private=True), "kid": "one"}
    meeting.liar.published = lambda: {"keys": [key]}
    with pytest.raises(Unavailable):
        await meeting.identify()


async def test_keys_rotate_and_unknown_ones_cost_one_fetch(meet: Meet) -> None:
    meeting = await meet()
    start = system_clock()
    meeting.at.append(start)
    await meeting.identify()
    meeting.liar.keys["two"] = rsa_key(1)
    meeting.liar.signer = "two"
    with pytest.raises(NotAuthenticated):
        await meeting.identify()
    assert [path for path, *_ in meeting.liar.asked].count("/keys") == 1
    meeting.at.append(start + timedelta(seconds=31))
    assert (await meeting.identify()).subject == "person-1"
    paths = [path for path, *_ in meeting.liar.asked]
    assert paths.count("/keys") == 2
    assert paths.count("/.well-known/openid-configuration") == 1


async def test_another_claim_can_name_people(meet: Meet) -> None:
    meeting = await meet(claim="oid")
    meeting.liar.claims = {"oid": "object-7"}
    assert (await meeting.identify()).subject == "object-7"
    meeting.liar.claims = {}
    with pytest.raises(NotAuthenticated):
        await meeting.identify()


async def test_curves(meet: Meet) -> None:
    meeting = await meet()
    meeting.liar.keys = {"one": ECKey.generate_key("P-256")}
    assert (await meeting.identify()).subject == "person-1"


@pytest.mark.parametrize("key", ["{}", "x", '{"kty": "RSA"}', '{"kty": "oct", "k": "AAAA"}'])
async def test_a_private_key_that_is_none(meet: Meet, key: str) -> None:
    with pytest.raises(ValueError, match="private JWK"):
        await meet(private_key=key)
