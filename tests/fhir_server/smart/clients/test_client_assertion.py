"""private_key_jwt. SMART App Launch 2.2, asymmetric authentication; rows B2, B4-B6, B8."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import private_key_jwt_sign as client_assertion
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA384
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from fhir_server.auth.smart.clients.assertion import read
from fhir_server.auth.smart.clients.authentication import ClientAuthentication
from fhir_server.auth.smart.clients.client import ClientStore
from fhir_server.auth.smart.errors import InvalidClient, OAuthError
from fhir_server.clock import system_clock
from fhir_server.resource import dumps
from tests.fhir_server.smart.clients.asserting import (
    ENDPOINT,
    ISSUER,
    SetClock,
    claims,
    client,
    form,
    public,
    signed,
)


@pytest.fixture(autouse=True)
async def registered(clients: ClientStore, rsa: RSAKey, ec: ECKey, stranger: RSAKey) -> None:
    keys = [public(rsa, kid="one"), public(ec, kid="curve")]
    await clients.add(client(jwks={"keys": keys}))
    other = {"keys": [public(stranger, kid="two")]}
    await clients.add(client(id="other", jwks=other, jwks_uri=None))
    await clients.add(client(id="public", method="none"))


async def refused(authentication: ClientAuthentication, sent: dict[str, str]) -> OAuthError:
    with pytest.raises(InvalidClient) as caught:
        await authentication.authenticate(None, sent, ENDPOINT)
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
    return caught.value


@pytest.mark.parametrize("alg", ["RS384", "RS256"])
async def test_rsa_is_taken(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, alg: str
) -> None:
    sent = form(signed(rsa, claims(clock.now), alg))
    assert (await authentication.authenticate(None, sent, ENDPOINT)).id == "backend"


async def test_es384_is_taken(
    authentication: ClientAuthentication, clock: SetClock, ec: ECKey
) -> None:
    sent = form(signed(ec, claims(clock.now), "ES384", kid="curve"), client_id="backend")
    assert (await authentication.authenticate(None, sent, ENDPOINT)).id == "backend"


async def test_es256_is_taken(
    authentication: ClientAuthentication, clients: ClientStore, clock: SetClock
) -> None:
    key = ECKey.generate_key("P-256")
    await clients.add(client(id="small", jwks={"keys": [public(key, kid="one")]}))
    sent = form(signed(key, claims(clock.now, iss="small", sub="small"), "ES256"))
    assert (await authentication.authenticate(None, sent, ENDPOINT)).id == "small"


@pytest.mark.parametrize(("audience", "right"), [(ISSUER, True), (ISSUER + "/", False)])
async def test_the_issuer_as_audience(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, audience: str, right: bool
) -> None:
    sent = form(signed(rsa, claims(clock.now, aud=audience)))
    found = authentication.authenticate(None, sent, ENDPOINT, ISSUER)
    if right:
        assert (await found).id == "backend"
    else:
        with pytest.raises(InvalidClient):
            await found


RIGHT: dict[str, dict[str, Any]] = {
    "audience in a list": {"aud": ["https://else.example", ENDPOINT]},
    "exp at the edge of the leeway": {"exp": "+360"},
    "fraction of a second": {"exp": "+10.5"},
    "iat and nbf now": {"iat": "+0", "nbf": "+0"},
    "client's clock a minute ahead": {"iat": "+60", "nbf": "+60"},
}
WRONG: dict[str, dict[str, Any]] = {
    "expired now": {"exp": "+0"},
    "expired a day ago": {"exp": "-86400"},
    "exp a day ahead": {"exp": "+86400"},
    "exp beyond the leeway": {"exp": "+361"},
    "no exp": {"exp": None},
    "exp a text": {"exp": "soon"},
    "exp true": {"exp": True},
    "exp beyond all time": {"exp": 10**30},
    "nbf ahead": {"nbf": "+61"},
    "iat ahead": {"iat": "+61"},
    "nbf a list": {"nbf": []},
    "audience of another server": {"aud": "https://else.example/token"},
    "audience a prefix": {"aud": ENDPOINT + "/"},
    "audience within an object": {"aud": {ENDPOINT: 1}},
    "no audience": {"aud": None},
    "empty list of audiences": {"aud": []},
    "iss is not sub": {"sub": "other"},
    "no iss": {"iss": None},
    "no sub": {"sub": None},
    "sub an object": {"iss": {"$ne": ""}, "sub": {"$ne": ""}},
    "unknown client": {"iss": "nobody", "sub": "nobody"},
    "half a surrogate pair": {"iss": "\ud800", "sub": "\ud800"},
    "no jti": {"jti": None},
    "empty jti": {"jti": ""},
    "jti a number": {"jti": 5},
    "jti without end": {"jti": "x" * 600},
    "of a client without assertions": {"iss": "public", "sub": "public"},
}


def _timed(changes: dict[str, Any], clock: SetClock) -> dict[str, Any]:
    """`+300` is 300 seconds from now."""
    now = int(clock.now.timestamp())
    return {
        name: now + (float(value) if "." in value else int(value))
        if isinstance(value, str) and value[:1] in ("+", "-")
        else value
        for name, value in changes.items()
    }


@pytest.mark.parametrize("changes", RIGHT.values(), ids=RIGHT.keys())
async def test_right_claims(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, changes: dict[str, Any]
) -> None:
    sent = form(signed(rsa, claims(clock.now, **_timed(changes, clock))))
    assert (await authentication.authenticate(None, sent, ENDPOINT)).id == "backend"


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_wrong_claims(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, changes: dict[str, Any]
) -> None:
    body = claims(clock.now, **_timed(changes, clock))
    await refused(authentication, form(signed(rsa, json.dumps(body).encode())))


HEADERS: dict[str, dict[str, Any]] = {
    "no kid": {"kid": None},
    "unknown kid": {"kid": "nowhere"},
    "kid of another client": {"kid": "two"},
    "kid of a key of another type": {"kid": "curve"},
    "kid a number": {"kid": 1},
    "typ of an access token": {"typ": "at+jwt"},
    "jku though keys are inline": {"jku": "https://evil.example/keys"},
    "jku a list": {"jku": []},
    "crit": {"crit": ["exp"], "exp": 1},
    "unencoded payload": {"b64": True},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
async def test_wrong_headers(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, header: dict[str, Any]
) -> None:
    text = _resigned(rsa, claims(clock.now), {"alg": "RS384", "typ": "JWT", "kid": "one", **header})
    await refused(authentication, form(text))


async def test_typ_may_be_left_out(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    text = _resigned(rsa, claims(clock.now), {"alg": "RS384", "kid": "one"})
    assert await authentication.authenticate(None, form(text), ENDPOINT)


def _part(value: dict[str, Any] | bytes) -> str:
    raw = value if isinstance(value, bytes) else dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _resigned(key: RSAKey, body: dict[str, Any], header: dict[str, Any]) -> str:
    """A good signature over any header, also such as no library would write."""
    kept = {name: value for name, value in header.items() if value is not None}
    text = f"{_part(kept)}.{_part(body)}"
    assert key.private_key is not None
    return f"{text}.{_part(key.private_key.sign(text.encode(), PKCS1v15(), SHA384()))}"


async def test_signature_of_somebody_else(
    authentication: ClientAuthentication, clock: SetClock, stranger: RSAKey
) -> None:
    error = await refused(authentication, form(signed(stranger, claims(clock.now))))
    assert "signature" in error.description


async def test_changed_claims(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    header, _, signature = signed(rsa, claims(clock.now)).split(".")
    await refused(authentication, form(".".join((header, _part(claims(clock.now)), signature))))


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "HS384", "RS512", "PS384", "EdDSA", "", 5]
)
async def test_other_algorithms(
    authentication: ClientAuthentication, clock: SetClock, alg: Any
) -> None:
    header = _part({"alg": alg, "typ": "JWT", "kid": "one"})
    error = await refused(authentication, form(f"{header}.{_part(claims(clock.now))}."))
    assert "alg" in error.description


async def test_hs256_with_the_public_key_as_secret(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    header = _part({"alg": "HS256", "typ": "JWT", "kid": "one"})
    text = f"{header}.{_part(claims(clock.now))}"
    mac = hmac.digest(rsa.as_pem(private=False), text.encode(), "sha256")
    await refused(authentication, form(f"{text}.{_part(mac)}"))


async def test_one_of_the_algorithms_with_a_key_of_the_other(
    authentication: ClientAuthentication, clock: SetClock, ec: ECKey
) -> None:
    await refused(authentication, form(signed(ec, claims(clock.now), "ES384", kid="one")))


async def test_registered_alg_of_the_key_is_kept_to(
    authentication: ClientAuthentication, clients: ClientStore, clock: SetClock, rsa: RSAKey
) -> None:
    keys = {"keys": [public(rsa, kid="one", alg="RS384")]}
    await clients.add(client(id="strict", jwks=keys))
    who = {"iss": "strict", "sub": "strict"}
    await refused(authentication, form(signed(rsa, claims(clock.now, **who), "RS256")))
    sent = form(signed(rsa, claims(clock.now, **who), "RS384"))
    assert await authentication.authenticate(None, sent, ENDPOINT)


async def test_two_keys_of_one_kid(
    authentication: ClientAuthentication,
    clients: ClientStore,
    clock: SetClock,
    rsa: RSAKey,
    stranger: RSAKey,
) -> None:
    keys = {"keys": [public(rsa, kid="one"), public(stranger, kid="one")]}
    await clients.add(client(id="twice", jwks=keys))
    sent = form(signed(rsa, claims(clock.now, iss="twice", sub="twice")))
    assert "more than one" in (await refused(authentication, sent)).description


async def test_duplicate_names_in_the_claims(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    body = dumps(claims(clock.now))[:-1] + b',"iss":"other"}'
    await refused(authentication, form(signed(rsa, body)))


async def test_jti_is_used_once(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    sent = form(signed(rsa, claims(clock.now)))
    assert await authentication.authenticate(None, sent, ENDPOINT)
    assert "before" in (await refused(authentication, sent)).description


async def test_jti_of_another_client_is_another(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, stranger: RSAKey
) -> None:
    one = form(signed(rsa, claims(clock.now, jti="same")))
    two = form(signed(stranger, claims(clock.now, jti="same", iss="other", sub="other"), kid="two"))
    assert await authentication.authenticate(None, one, ENDPOINT)
    assert await authentication.authenticate(None, two, ENDPOINT)


async def test_wrong_signature_does_not_use_the_jti_up(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey, stranger: RSAKey
) -> None:
    body = claims(clock.now)
    await refused(authentication, form(signed(stranger, body)))
    assert await authentication.authenticate(None, form(signed(rsa, body)), ENDPOINT)


async def test_of_twenty_uses_at_once_one_succeeds(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    sent = form(signed(rsa, claims(clock.now)))
    tries = (authentication.authenticate(None, sent, ENDPOINT) for _ in range(20))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert sum(isinstance(answer, InvalidClient) for answer in answers) == 19


async def test_wrong_assertion_type(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    sent = form(signed(rsa, claims(clock.now)))
    await refused(authentication, {**sent, "client_assertion_type": "not-an-assertion-type"})
    await refused(authentication, {"client_assertion": sent["client_assertion"]})
    await refused(authentication, {"client_assertion_type": sent["client_assertion_type"]})


async def test_client_id_of_another(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    await refused(authentication, form(signed(rsa, claims(clock.now)), client_id="other"))


@pytest.mark.parametrize("status", ["pending", "disabled"])
async def test_inactive_client(
    authentication: ClientAuthentication,
    clients: ClientStore,
    clock: SetClock,
    rsa: RSAKey,
    status: str,
) -> None:
    keys = {"keys": [public(rsa, kid="one")]}
    await clients.add(client(id="idle", jwks=keys, status=status))
    await refused(authentication, form(signed(rsa, claims(clock.now, iss="idle", sub="idle"))))


async def test_remembered_until_it_would_be_too_old(
    authentication: ClientAuthentication, clients: ClientStore, clock: SetClock, rsa: RSAKey
) -> None:
    assertion = read(signed(rsa, claims(clock.now)))
    kept = assertion.check((ENDPOINT,), clock.now)
    assert 600 <= (kept - clock.now).total_seconds() <= 662


@given(text=st.one_of(st.text(), st.text(alphabet="eyJ.-_A{}", max_size=60)))
def test_any_text_is_refused_as_invalid_client(text: str) -> None:
    with pytest.raises(InvalidClient):
        read(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(changes=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "jti", "nbf"]), _JSON))
def test_any_claims_are_taken_or_refused(changes: dict[str, Any], clock: SetClock) -> None:
    header = _part({"alg": "RS384", "kid": "one"})
    body = json.dumps({**claims(clock.now), **changes}).encode()
    try:
        read(f"{header}.{_part(body)}.AAAA").check((ENDPOINT,), clock.now)
    except InvalidClient:
        assert changes


async def test_authlib_is_understood_when_its_life_is_short(
    authentication: ClientAuthentication, clock: SetClock, rsa: RSAKey
) -> None:
    def of_authlib(**changed: Any) -> str:
        return client_assertion(
            rsa, "backend", ENDPOINT, alg="RS384", header={"kid": "one"}, claims=changed
        )

    clock.now = system_clock()
    short = form(of_authlib(exp=int(clock.now.timestamp()) + 300))
    assert await authentication.authenticate(None, short, ENDPOINT)
    # Its own choice is an hour, which SMART does not allow.
    assert "ahead" in (await refused(authentication, form(of_authlib()))).description
