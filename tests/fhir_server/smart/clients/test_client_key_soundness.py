"""Which keys of clients are refused. Rows B6 and C1; joserfc alone takes every one of these."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import int_to_base64

from fhir_server.auth.smart.keys.soundness import UnsoundKey, fits, sound_key, sound_set
from tests.fhir_server.smart.clients.asserting import public


def test_sound_keys_keep_their_public_members_only(rsa: RSAKey, ec: ECKey) -> None:
    given = public(rsa, kid="one", x5u="https://evil.example", crv={"$ne": 1}, use="sig")
    assert sorted(sound_key(given)) == ["e", "kid", "kty", "n", "use"]
    assert sorted(sound_key(public(ec, kid="two"))) == ["crv", "kid", "kty", "x", "y"]


def test_short_rsa() -> None:
    # The standard demands 2048 bits; this one has half of it.
    short = generate_private_key(65537, 1024)  # noqa: S505
    numbers = short.public_key().public_numbers()
    key = {"kty": "RSA", "kid": "short", "n": int_to_base64(numbers.n), "e": "AQAB"}
    with pytest.raises(UnsoundKey, match="2048"):
        sound_key(key)


@pytest.mark.parametrize(
    "change",
    [
        {"kid": None},
        {"kid": ""},
        {"kid": 7},
        {"kid": "\ud800"},
        {"kid": "x" * 256},
        {"kty": "oct"},
        {"kty": "OKP"},
        {"kty": ["RSA"]},
        {"d": "AQAB"},
        {"p": "AQAB"},
        {"oth": []},
        {"k": "c2VjcmV0"},
        {"use": "enc"},
        {"use": {}},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "RS1"},
        {"alg": []},
        {"n": None},
        {"n": "not base64!"},
        {"n": 5},
        {"n": int_to_base64(2**9000 + 1)},
        {"n": int_to_base64(3 * (2**2100 + 1))},
        {"n": int_to_base64(2**2048 + 2)},
        {"e": "Aw"},  # 3
        {"e": int_to_base64(65538)},
        {"e": int_to_base64(2**64 + 1)},
    ],
    ids=str,
)
def test_unsound_rsa(rsa: RSAKey, change: dict[str, Any]) -> None:
    key = {**public(rsa, kid="one"), **change}
    with pytest.raises(UnsoundKey):
        sound_key({name: value for name, value in key.items() if value is not None})


@pytest.mark.parametrize(
    "change",
    [
        {"crv": "P-521"},
        {"crv": "secp256k1"},
        {"crv": ["P-384"]},
        {"crv": "P-256"},
        {"x": "AQAB"},  # off the curve
        {"y": ""},
        {"d": "AQAB"},
    ],
    ids=str,
)
def test_unsound_curve(ec: ECKey, change: dict[str, Any]) -> None:
    with pytest.raises(UnsoundKey):
        sound_key({**public(ec, kid="one"), **change})


def test_private_keys(rsa: RSAKey, ec: ECKey) -> None:
    for key in (rsa, ec):
        with pytest.raises(UnsoundKey, match="private") as caught:
            sound_key({**key.as_dict(private=True), "kid": "one"})
        assert key.as_dict(private=True)["d"] not in str(caught.value)


def test_sets(rsa: RSAKey, ec: ECKey) -> None:
    assert len(sound_set({"keys": [public(rsa, kid="one"), public(ec, kid="two")]})) == 2
    for wrong in (
        {"keys": [public(rsa, kid="one"), public(ec, kid="one")]},
        {"keys": []},
        {"keys": {}},
        [],
        None,
        {"keys": ["key"]},
    ):
        with pytest.raises(UnsoundKey):
            sound_set(wrong)


def test_fits(rsa: RSAKey, ec: ECKey) -> None:
    one, two = sound_key(public(rsa, kid="one")), sound_key(public(ec, kid="two", alg="ES384"))
    assert fits(one, "one", "RS384")
    assert fits(one, "one", "RS256")
    assert fits(two, "two", "ES384")
    assert not fits({**one, "alg": "RS384"}, "one", "RS256")
    for key, kid, alg in ((one, "two", "RS384"), (one, "one", "ES384"), (two, "two", "ES256")):
        assert not fits(key, kid, alg)
