"""Signing in by an outside OpenID provider, and linking an account to a person there.

An account is found by issuer and subject that were linked before, never by a name or address. What
was begun in one tab of a browser can only be ended there: `binding` never travels by an address.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from fhir_server.auth.authenticator import IssuedToken, Session
from fhir_server.auth.identity.provider import Asked, Identity, IdentityProvider, Returned
from fhir_server.auth.sign_in import SignIn
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated, NotPermitted, NotSupported
from fhir_server.identity_settings import IdentitySettings
from fhir_server.store.accounts import Account, AccountStore
from fhir_server.store.provider_links import Link, PendingSignIn, ProviderLinkStore

LANDING = "/sign-in/provider"
"""The page that the provider sends people back to."""

_PATIENCE = timedelta(minutes=10)
_LATE = "It took too long, or was ended in another window: start again."
_UNKNOWN = (
    "No account here is linked to you at {label}. Sign in with your password and link it on the "
    "account page, or ask an administrator."
)


class NotLinked(NotPermitted):
    """The provider knows the person; no account here is theirs, or not one that it may open."""


@dataclass(frozen=True)
class Begun:
    """Where the browser goes, and what its tab keeps meanwhile."""

    address: str
    binding: str


class ProviderSignIn:
    """`secret` gives 256 random bits as text. Without a provider everything is `NotSupported`."""

    def __init__(
        self,
        provider: IdentityProvider | None,
        links: ProviderLinkStore,
        accounts: AccountStore,
        sign_in: SignIn,
        settings: IdentitySettings,
        *,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._provider = provider
        self._links = links
        self._accounts = accounts
        self._sign_in = sign_in
        self._settings = settings
        self._clock = clock
        self._secret = secret

    @property
    def label(self) -> str | None:
        """What the button says; None when there is no provider."""
        return self._settings.provider.label if self._provider is not None else None

    async def begin(self, username: str = "") -> Begun:
        """Send somebody to the provider; `username` is who links their account."""
        asked = Asked(
            state=self._secret(),
            nonce=self._secret(),
            verifier=self._secret(),
            redirect_uri=self._settings.public_url + LANDING,
        )
        address, binding = await self._known().address(asked), self._secret()
        await self._links.begin(
            PendingSignIn(
                state=hashed(asked.state),
                binding=hashed(binding),
                nonce=asked.nonce,
                verifier=asked.verifier,
                redirect_uri=asked.redirect_uri,
                subject=username,
                expires=self._clock() + _PATIENCE,
            )
        )
        return Begun(address, binding)

    async def finish(
        self, state: str, binding: str, returned: Returned, session: Session
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token.

        Raises `NotAuthenticated`, `NotLinked`, `SecondFactorRequired` and `Unavailable`.
        """
        identity = await self._identified(state, binding, returned, "")
        link = await self._links.find(identity.issuer, identity.subject)
        account = await self._accounts.find(link.subject) if link else None
        if account is None or not self._may(account):
            raise NotLinked(_UNKNOWN.format(label=self._settings.provider.label))
        return await self._sign_in.sign_in_known(
            account.username, session, second_factor=self._is_strong(identity)
        )

    async def link(self, state: str, binding: str, returned: Returned, account: Account) -> None:
        """Link the account that began it. Raises as `finish`, and `VersionConflict`."""
        identity = await self._identified(state, binding, returned, account.username)
        await self.link_to(account, identity.subject)

    async def link_to(self, account: Account, person: str) -> None:
        """Link an account to the provider's name of a person, by an administrator's word."""
        if not self._may(account):
            raise NotPermitted("The provider may not sign in accounts of this role.")
        issuer = self._known().issuer
        await self._links.add(Link(issuer, person, account.username, self._clock()))

    async def unlink(self, account: Account) -> bool:
        """Forget every link of the account. False when there is none."""
        return await self._links.remove(account.username)

    async def is_linked(self, account: Account) -> bool:
        """Whether the account can be signed in by the provider."""
        links = await self._links.of_subject(account.username)
        issuer = self._settings.provider.issuer
        return self._provider is not None and any(one.issuer == issuer for one in links)

    async def _identified(
        self, state: str, binding: str, returned: Returned, username: str
    ) -> Identity:
        provider = self._known()
        pending = await self._links.take(hashed(state), self._clock())
        if pending is None or not hmac.compare_digest(pending.binding, hashed(binding)):
            raise NotAuthenticated(_LATE)
        if pending.subject != username:
            raise NotAuthenticated(_LATE)
        asked = Asked(state, pending.nonce, pending.verifier, pending.redirect_uri)
        return await provider.identify(returned, asked)

    def _known(self) -> IdentityProvider:
        if self._provider is None:
            raise NotSupported(
                "There is no OpenID provider: AIMED_FHIR__IDENTITY__PROVIDER__ISSUER."
            )
        return self._provider

    def _may(self, account: Account) -> bool:
        allowed = self._settings.provider.roles
        return not allowed or not set(allowed).isdisjoint(account.roles)

    def _is_strong(self, identity: Identity) -> bool:
        """Whether the provider says, and is believed, that it has checked a second factor."""
        settings = self._settings.provider
        return (
            not set(settings.second_factor_amr).isdisjoint(identity.amr)
            or identity.acr in settings.second_factor_acr
        )
