"""Which public keys of clients are good enough to trust. SMART App Launch 2.2, client-confidential-
asymmetric; RFC 7517; RFC 7518 3.3 and 3.4; NIST SP 800-131A (RSA of at least 2048 bits).

joserfc takes 1024-bit RSA, symmetric and private keys and several keys of one kid without a word,
so every key is checked here before it is stored or used.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

MOST_KEYS = 50
"""Keys of one set. Publishers keep two or three; a bound on the work of one fetch."""

_CURVE = {"ES256": "P-256", "ES384": "P-384"}
ALGORITHMS = ("RS384", "ES384", "RS256", "ES256")
"""Signatures taken from clients: the first two as SMART demands, the others by wide use."""

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEPT = ("kty", "kid", "use", "key_ops", "alg")
_NUMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,1400}")
_BITS = range(2048, 8193)


class UnsoundKey(ValueError):
    """A key or a key set that is not accepted; the text says why and shows no key material."""


def sound_set(jwks: object) -> list[dict[str, Any]]:
    """The keys of a set being registered, reduced to their public members.

    Raises `UnsoundKey` unless each is a sound public signature key with a kid of its own.
    """
    keys = [sound_key(one) for one in listed(jwks)]
    if not keys:
        raise UnsoundKey("The key set has no keys.")
    if len({key["kid"] for key in keys}) < len(keys):
        raise UnsoundKey("Two keys of the set have the same kid.")
    return keys


def usable_keys(jwks: object) -> list[dict[str, Any]]:
    """The sound keys of a set that was fetched; others, as for encryption, are passed over.

    Raises `UnsoundKey` for what is no key set, and for one that gives secrets away.
    """
    keys = []
    for one in listed(jwks):
        if isinstance(one, Mapping) and not _PRIVATE.isdisjoint(one):
            raise UnsoundKey("The key set publishes a private or symmetric key.")
        try:
            keys.append(sound_key(one))
        except UnsoundKey:  # RFC 7517 section 5: keys that are not understood are ignored
            continue
    return keys


def listed(jwks: object) -> list[object]:
    """The members of a JWK set, unchecked. Raises `UnsoundKey` for another shape."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list):
        raise UnsoundKey("A key set is an object with a list named keys.")
    if len(keys) > MOST_KEYS:
        raise UnsoundKey(f"A key set here has at most {MOST_KEYS} keys.")
    return keys


def sound_key(jwk: object) -> dict[str, Any]:
    """The public members of one key. Raises `UnsoundKey`."""
    if not isinstance(jwk, Mapping):
        raise UnsoundKey("A key is an object.")
    if not _PRIVATE.isdisjoint(jwk) or jwk.get("kty") == "oct":
        raise UnsoundKey("Only public keys are taken: a private or symmetric one is compromised.")
    kid, type = jwk.get("kid"), jwk.get("kty")
    if not isinstance(kid, str) or not kid.isprintable() or not 0 < len(kid) <= 255:
        raise UnsoundKey("Every key needs a kid, a text of at most 255 characters.")
    if not isinstance(type, str) or type not in _NUMBERS:
        raise UnsoundKey("A key is of type RSA or EC.")
    _check_purpose(jwk)
    key = {name: jwk[name] for name in (*_KEPT, *_NUMBERS[type]) if name in jwk}
    (_check_rsa if type == "RSA" else _check_curve)(key)
    return key


def fits(key: Mapping[str, Any], kid: str, alg: str) -> bool:
    """Whether a sound key is the one that a signature names by kid and algorithm."""
    of_type = key["kty"] == "RSA" if alg.startswith("RS") else key.get("crv") == _CURVE.get(alg)
    return key["kid"] == kid and of_type and key.get("alg", alg) == alg


def _check_purpose(jwk: Mapping[str, Any]) -> None:
    if jwk.get("use", "sig") != "sig":
        raise UnsoundKey("The key is not for signatures: its use is not sig.")
    operations = jwk.get("key_ops", ["verify"])
    if operations != ["verify"]:
        raise UnsoundKey("The key is not for verifying: its key_ops are more or less than verify.")
    if jwk.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        raise UnsoundKey(f"The key's alg is none of {', '.join(ALGORITHMS)}.")


def _check_rsa(key: dict[str, Any]) -> None:
    modulus, exponent = _number(key.get("n")), _number(key.get("e"))
    if modulus.bit_length() not in _BITS:
        raise UnsoundKey(f"An RSA key has {_BITS.start} to {_BITS.stop - 1} bits.")
    if not 65537 <= exponent < 2**32 or exponent % 2 == 0:
        raise UnsoundKey("The public exponent of an RSA key is odd, 65537 or somewhat larger.")
    if modulus % 2 == 0 or math.gcd(modulus, _small_primes()) != 1:
        raise UnsoundKey("The RSA modulus has a small factor.")
    _import(key)


def _check_curve(key: dict[str, Any]) -> None:
    if key.get("crv") not in _CURVE.values():
        raise UnsoundKey(f"An EC key is on {' or '.join(_CURVE.values())}.")
    _number(key.get("x")), _number(key.get("y"))
    _import(key)


def _import(key: dict[str, Any]) -> None:
    """Also proves that a point is on its curve."""
    try:
        (RSAKey if key["kty"] == "RSA" else ECKey).import_key(key).public_key  # noqa: B018
    except (JoseError, ValueError, TypeError):
        raise UnsoundKey("The key's numbers do not make a key.") from None


def _number(text: object) -> int:
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise UnsoundKey("The key lacks a number, or has one that is not base64url.")
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise UnsoundKey("A number of the key is not base64url.") from None


@cache
def _small_primes() -> int:
    """Their product; what is no product of two large primes shares a factor with it, mostly."""
    return math.prod(n for n in range(3, 1000, 2) if all(n % d for d in range(3, n, 2)))
