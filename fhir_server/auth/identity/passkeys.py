"""Passkeys: registering them and checking what they sign. WebAuthn level 3, 7.1 and 7.2.

A passkey is two factors at once, what somebody has and what unlocks it, so user verification is
required of every use. A challenge is good for one ceremony, for five minutes, once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from fhir_server.auth.identity.relying_party import RelyingParty
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import InvalidParameter, NotAuthenticated, VersionConflict
from fhir_server.store.accounts import Account
from fhir_server.store.passkeys import Passkey, PasskeyStore

MOST = 20
"""Passkeys of one account."""

REGISTRATION, ALONE, SECOND = "registration", "alone", "second"
"""The ceremonies: registering, signing in with nothing else, and after the password."""

_PATIENCE = timedelta(minutes=5)
_HANDLE, _CHALLENGE = 64, 32
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_MILLISECONDS = int(_PATIENCE.total_seconds() * 1000)
_WRONG = "The passkey was not accepted. Try again, or sign in another way."
_LATE = "It took too long, or this was used before: try again."

Answer = dict[str, Any]
"""What the browser gives: RegistrationResponseJSON or AuthenticationResponseJSON, 5.1.8 there."""


class CounterWentBack(NotAuthenticated):
    """The signature is right and its counter is not above the last one: a copy may be in use."""

    def __init__(self, passkey: Passkey) -> None:
        super().__init__("This passkey may have been copied: remove it, and set up a new one.")
        self.passkey = passkey


class Passkeys:
    """Registering and checking. `random` gives that many random bytes; `name` is this server's."""

    def __init__(
        self,
        store: PasskeyStore,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
        name: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._name = name

    async def of(self, username: str) -> list[Passkey]:
        """The account's, oldest first."""
        return await self._store.of_subject(username)

    async def registration_options(self, account: Account, party: RelyingParty) -> Answer:
        """What `navigator.credentials.create` is to be asked. Raises `VersionConflict` over 20."""
        have = await self._store.of_subject(account.username)
        if len(have) >= MOST:
            raise VersionConflict(f"An account has at most {MOST} passkeys: remove one first.")
        options = generate_registration_options(
            rp_id=party.id,
            rp_name=self._name,
            user_name=account.username,
            user_display_name=account.display,
            user_id=await self._store.handle(account.username, self._random(_HANDLE)),
            challenge=await self._challenge(REGISTRATION, account.username),
            timeout=_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(have),
            supported_pub_key_algs=_ALGORITHMS,
        )
        return options_to_json_dict(options)

    async def register(
        self, account: Account, name: str, answer: Answer, party: RelyingParty
    ) -> Passkey:
        """Keep what the authenticator made.

        Raises `InvalidParameter` if it is not right, `VersionConflict` if it is known already.
        """
        challenge = await self._spent(answer, REGISTRATION, account.username)
        if challenge is None:
            raise InvalidParameter(_LATE)
        made = _registered(answer, challenge, party)
        passkey = Passkey(
            id=bytes_to_base64url(made.credential_id),
            subject=account.username,
            public_key=made.credential_public_key,
            count=made.sign_count,
            name=name,
            created=self._clock(),
            synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            transports=_transports(answer),
        )
        await self._store.add(passkey)
        return passkey

    async def options(self, party: RelyingParty, username: str = "") -> Answer:
        """What `navigator.credentials.get` is to be asked: of anybody, or as a second factor."""
        have = await self._store.of_subject(username) if username else []
        options = generate_authentication_options(
            rp_id=party.id,
            challenge=await self._challenge(SECOND if username else ALONE, username),
            timeout=_MILLISECONDS,
            allow_credentials=_descriptors(have),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    async def check(self, answer: Answer, party: RelyingParty, username: str = "") -> Passkey:
        """The passkey that signed, of `username` if that is known already.

        Raises `NotAuthenticated`, not saying what was wrong, and `CounterWentBack`.
        """
        challenge = await self._spent(answer, SECOND if username else ALONE, username)
        if challenge is None:
            raise NotAuthenticated(_LATE)
        id = answer.get("id")
        passkey = await self._store.find(id) if isinstance(id, str) else None
        if passkey is None or (username and passkey.subject != username):
            raise NotAuthenticated(_WRONG)
        signed = _signed(answer, challenge, party, passkey)
        await self._check_handle(answer, passkey, needed=not username)
        if not await self._store.advance(passkey.id, signed.new_sign_count, self._clock()):
            raise CounterWentBack(passkey)
        return passkey

    async def rename(self, username: str, id: str, name: str) -> bool:
        """Whether the account has such a passkey; it is called `name` then."""
        return await self._store.rename(username, id, name)

    async def _check_handle(self, answer: Answer, passkey: Passkey, *, needed: bool) -> None:
        """7.2 step 6: who is not known yet is named by the user handle, which must be theirs."""
        sent = answer["response"].get("userHandle")
        if not sent and not needed:
            return
        own = await self._store.handle(passkey.subject, self._random(_HANDLE))
        if sent != bytes_to_base64url(own):
            raise NotAuthenticated(_WRONG)

    async def _challenge(self, ceremony: str, username: str) -> bytes:
        challenge = self._random(_CHALLENGE)
        expires = self._clock() + _PATIENCE
        await self._store.challenge(_hash(challenge), ceremony, username, expires)
        return challenge

    async def _spent(self, answer: Answer, ceremony: str, username: str) -> bytes | None:
        """The challenge that was answered, used up; None unless it was given out for just this."""
        try:
            data = base64url_to_bytes(answer["response"]["clientDataJSON"])
            challenge = parse_client_data_json(data).challenge
        except Exception:  # whatever the library makes of bytes that a stranger has sent
            return None
        spent = await self._store.spend(_hash(challenge), ceremony, username, self._clock())
        return challenge if spent else None


def _registered(answer: Answer, challenge: bytes, party: RelyingParty) -> VerifiedRegistration:
    try:
        return verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception:  # not only WebAuthnException: CBOR, ASN.1 and keys raise their own
        raise InvalidParameter(
            "The passkey was not accepted: it has to be made on this page, and be unlocked by "
            "fingerprint, face or PIN."
        ) from None


def _signed(
    answer: Answer, challenge: bytes, party: RelyingParty, passkey: Passkey
) -> VerifiedAuthentication:
    """What was signed. The counter is looked at afterwards, atomically and once the signature is
    known to be right: the library would compare it first.
    """
    try:
        signed = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # not only WebAuthnException: CBOR and keys raise their own
        raise NotAuthenticated(_WRONG) from None
    if (signed.credential_device_type is CredentialDeviceType.MULTI_DEVICE) != passkey.synced:
        raise NotAuthenticated(_WRONG)
    return signed


def _descriptors(passkeys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(one.id),
            transports=[AuthenticatorTransport(name) for name in one.transports],
        )
        for one in passkeys
    ]


def _transports(answer: Answer) -> tuple[str, ...]:
    """How the authenticator is reached, as far as the names are known."""
    found = answer["response"].get("transports")
    named = found if isinstance(found, list) else []
    return tuple(one.value for one in AuthenticatorTransport if one.value in named)


def _hash(challenge: bytes) -> str:
    return hashed(bytes_to_base64url(challenge))
