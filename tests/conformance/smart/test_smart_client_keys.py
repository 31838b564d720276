"""Clients with keys. client-confidential-asymmetric.html."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.conformance.smart.applications import SYSTEM, service
from tests.conformance.smart.key_server import KeySets
from tests.conformance.smart.site import Site, bearer
from tests.fhir_server.smart.clients.asserting import public, signed


def refused(answer: httpx2.Response) -> bool:
    found: bool = (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    return found


async def published(site: Site, key_sets: KeySets, id: str, *keys: Any, **more: str) -> str:
    """Register a service whose keys are at an address, which is given back."""
    address = key_sets.publish(f"/{id}", *keys, **more)
    await site.server.smart.clients.add(service(id, jwks_uri=address))
    return address


def by(site: Site, id: str, **changes: Any) -> str:
    return site.assertion(iss=id, sub=id, **changes)


@pytest.mark.requirement(310, 335, 357)
@pytest.mark.parametrize(("alg", "kid"), [("RS384", "one"), ("ES384", "curve")])
async def test_both_algorithms_are_taken(site: Site, alg: str, kid: str) -> None:
    assert (await site.credentials(site.assertion(alg, kid))).status_code == 200


@pytest.mark.requirement(357)
async def test_an_application_with_keys_exchanges_its_code(site: Site) -> None:
    code = await site.code("user/Patient.rs", client_id="signing")
    naked = await site.exchange(code, client_id="signing")
    assert refused(naked)
    sent = {
        "client_id": None,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": by(site, "signing"),
    }
    assert (await site.exchange(code, **sent)).status_code == 200


@pytest.mark.requirement(335, 340)
async def test_a_signature_of_another_is_refused(site: Site) -> None:
    text = site.assertion()
    head, body, _ = text.split(".")
    _, _, foreign = site.assertion().split(".")
    unsigned = signed(RSAKey.generate_key(2048), {"iss": "backend"}).split(".")[2]
    for signature in (foreign, unsigned, ""):
        assert refused(await site.credentials(f"{head}.{body}.{signature}"))
    assert (await site.credentials(text)).status_code == 200


@pytest.mark.requirement(335)
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"exp": None},
        {"exp": 1},
        {"exp": 2**33},
        {"nbf": 2**33},
        {"iss": None},
        {"sub": None},
    ],
)
async def test_every_claim_counts(site: Site, changes: dict[str, Any]) -> None:
    assert refused(await site.credentials(site.assertion(**changes)))


@pytest.mark.requirement(336)
async def test_a_jti_works_once_for_an_issuer(site: Site, key_sets: KeySets, rsa: RSAKey) -> None:
    text = site.assertion(jti="once")
    assert (await site.credentials(text)).status_code == 200
    assert refused(await site.credentials(text))
    assert refused(await site.credentials(site.assertion(jti="once", exp=_soon(site))))
    with site.clock.later(200):
        assert refused(await site.credentials(text))
    await published(site, key_sets, "jti-of-another", public(rsa, kid="one"))
    other = by(site, "jti-of-another", jti="once")
    assert (await site.credentials(other)).status_code == 200


def _soon(site: Site) -> int:
    return int(site.clock().timestamp()) + 60


@pytest.mark.requirement(337, 340)
async def test_client_id_is_the_issuer(site: Site) -> None:
    assert refused(await site.credentials(site.assertion(), client_id="signing"))
    assert refused(await site.credentials(by(site, "nobody")))
    assert (await site.credentials(site.assertion(), client_id="backend")).status_code == 200


@pytest.mark.requirement(338)
async def test_a_jku_has_to_be_the_registered_one(
    site: Site, key_sets: KeySets, rsa: RSAKey
) -> None:
    address = await published(site, key_sets, "jku", public(rsa, kid="one"))
    foreign = key_sets.publish("/jku-foreign", public(rsa, kid="one"))

    def text(jku: str, id: str = "jku") -> str:
        claims = {"iss": id, "sub": id, "aud": "http://test/auth/token"}
        more = {"jti": f"{id} {jku}", "exp": _soon(site)}
        return signed(rsa, {**claims, **more}, kid="one", jku=jku)

    assert (await site.credentials(text(address))).status_code == 200
    assert refused(await site.credentials(text(foreign)))
    assert refused(await site.credentials(text(foreign, "backend")))
    assert key_sets.count("/jku-foreign") == 0


@pytest.mark.requirement(338)
async def test_one_key_of_kid_and_kty_is_found(
    site: Site, key_sets: KeySets, rsa: RSAKey, ec: ECKey
) -> None:
    keys = [public(rsa, kid="one"), public(ec, kid="curve"), public(ec, kid="one")]
    await published(site, key_sets, "by-kid", *keys)
    for alg, kid in (("RS384", "one"), ("ES384", "curve"), ("ES384", "one")):
        answer = await site.credentials(by(site, "by-kid", alg=alg, kid=kid))
        assert answer.status_code == 200, (alg, kid)
    for alg, kid in (("RS384", "curve"), ("RS384", "two"), ("ES384", "three")):
        assert refused(await site.credentials(by(site, "by-kid", alg=alg, kid=kid)))


@pytest.mark.requirement(338)
async def test_two_keys_that_match_are_none(site: Site, key_sets: KeySets, rsa: RSAKey) -> None:
    other = RSAKey.generate_key(2048)
    await published(site, key_sets, "twice", public(rsa, kid="one"), public(other, kid="one"))
    assert refused(await site.credentials(by(site, "twice")))


@pytest.mark.requirement(296, 339, 342)
async def test_a_set_is_fetched_by_get_and_kept(site: Site, key_sets: KeySets, rsa: RSAKey) -> None:
    await published(site, key_sets, "kept", public(rsa, kid="one"))
    for _ in range(4):
        assert (await site.credentials(by(site, "kept"))).status_code == 200
    assert [one for one in key_sets.asked if one[1] == "/kept"] == [("GET", "/kept")]


@pytest.mark.requirement(341)
@pytest.mark.parametrize(
    ("control", "seconds"), [("max-age=10", 10), ("public, max-age=100", 100), ("no-store", 0)]
)
async def test_a_set_is_kept_no_longer_than_it_may(
    site: Site, key_sets: KeySets, rsa: RSAKey, control: str, seconds: int
) -> None:
    id = f"ages-{seconds}"
    await published(site, key_sets, id, public(rsa, kid="one"), control=control)
    assert (await site.credentials(by(site, id))).status_code == 200
    # A key that its owner has withdrawn no longer works from then on.
    key_sets.publish(f"/{id}", public(RSAKey.generate_key(2048), kid="one"), control=control)
    with site.clock.later(seconds):
        assert refused(await site.credentials(by(site, id)))
    assert key_sets.count(f"/{id}") == 2


async def registered(site: Site, **more: Any) -> httpx2.Response:
    sent = {
        "client_name": "Export",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "scope": "system/Patient.rs",
        **more,
    }
    invitation = await site.server.smart.registration.invite("test", scopes=SYSTEM)
    headers = bearer(invitation) | {"Content-Type": "application/json"}
    return await site.browser.post("/auth/register", json=sent, headers=headers)


@pytest.mark.requirement(24, 296, 316)
async def test_keys_are_registered_by_address(site: Site) -> None:
    answer = await registered(site, jwks_uri="https://etl.example/jwks.json")
    assert answer.status_code == 201
    assert answer.json()["client_id"]
    assert answer.json()["jwks_uri"] == "https://etl.example/jwks.json"


@pytest.mark.requirement(24, 297, 316)
async def test_keys_are_registered_as_a_set(site: Site, rsa: RSAKey) -> None:
    answer = await registered(site, jwks={"keys": [public(rsa, kid="one")]})
    assert answer.status_code == 201
    id = answer.json()["client_id"]
    assert (await site.credentials(by(site, id))).json()["scope"] == "system/Patient.rs"


@pytest.mark.requirement(305)
async def test_a_registered_set_is_changed_by_its_owner_alone(site: Site, rsa: RSAKey) -> None:
    told = (await registered(site, jwks={"keys": [public(rsa, kid="one")]})).json()
    address, id = told["registration_client_uri"], told["client_id"]
    evil = RSAKey.generate_key(2048)
    change = {**told, "jwks": {"keys": [public(evil, kid="one")]}}
    for token in ("made-up", await site.allowed("user/*.cruds")):
        assert (await site.browser.put(address, json=change, headers=bearer(token))).is_error
    assert (await site.browser.put(address, json=change)).is_error
    own = bearer(told["registration_access_token"])
    weak = [public(RSAKey.generate_key(2048), kid="x"), public(rsa, kid="x")]
    for keys in ([], [{"kty": "oct", "kid": "one", "k": "AAAA"}], [{"kty": "RSA"}], weak):
        changed = await site.browser.put(
            address, json={**told, "jwks": {"keys": keys}}, headers=own
        )
        assert changed.status_code == 400
    assert (await site.credentials(by(site, id))).status_code == 200
