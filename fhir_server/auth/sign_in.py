"""Signing in: a password and a second factor for who has one, a passkey alone, an OpenID provider.

Whoever's role needs a second factor and who has none is let in only to set one up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from fhir_server.auth.authenticator import Authenticator, IssuedToken, Session
from fhir_server.auth.back_off import BackOff
from fhir_server.auth.identity.passkeys import Answer, CounterWentBack, Passkeys
from fhir_server.auth.identity.password_policy import require_strong
from fhir_server.auth.identity.relying_party import RelyingParty
from fhir_server.auth.identity.second_factor import SecondFactor
from fhir_server.auth.passwords import Passwords
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated
from fhir_server.store.accounts import Account, AccountStore
from fhir_server.store.password_links import PasswordLinkStore
from fhir_server.store.second_factors import SecondFactorStore

CLINICIAN_SCOPE = "user/*.cruds"
_PATIENCE = timedelta(minutes=5)
_WRONG = "The user name or the password is wrong."
_LATE = "It took too long: start again."
_DISABLED = "This account is closed. An administrator can open it again."
_NEXT = {
    "passkey": "a passkey",
    "totp": "the code of your authenticator app",
    "recovery": "a recovery code",
}


class SecondFactorRequired(NotAuthenticated):
    """The first factor was right. `continuation` goes with the second one, for five minutes."""

    def __init__(self, continuation: str, factors: tuple[str, ...]) -> None:
        *others, last = [_NEXT[one] for one in factors]
        super().__init__(f"Now {', '.join(others)}{', or ' if others else ''}{last}.")
        self.continuation = continuation
        self.factors = factors


class PasswordChangeRequired(NotAuthenticated):
    """All was right, but another password has to be set first. `continuation` lets one do so."""

    def __init__(self, continuation: str) -> None:
        super().__init__("Set another password before you go on.")
        self.continuation = continuation


class CopiedPasskey(NotAuthenticated):
    """A passkey of `account` may have been copied; the text is for its owner."""

    def __init__(self, account: Account, text: str) -> None:
        super().__init__(text)
        self.account = account


class SignIn:
    """Checks who somebody is and issues a token. `secret` gives 256 random bits as text."""

    def __init__(
        self,
        accounts: AccountStore,
        authenticator: Authenticator,
        passwords: Passwords,
        back_off: BackOff,
        second_factor: SecondFactor,
        passkeys: Passkeys,
        waiting: SecondFactorStore,
        links: PasswordLinkStore,
        *,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._accounts = accounts
        self._back_off = back_off
        self._authenticator = authenticator
        self._passwords = passwords
        self._second_factor = second_factor
        self._passkeys = passkeys
        self._waiting = waiting
        self._links = links
        self._clock = clock
        self._secret = secret

    async def sign_in(
        self, username: str, password: str, session: Session
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token.

        Raises `NotAuthenticated`, not saying which was wrong, `RateLimited` after too many,
        `SecondFactorRequired`, and `PasswordChangeRequired`.
        """
        account = await self._known(username, password, session.address)
        return account, await self._by_one_factor(account, session)

    async def sign_in_with_code(
        self, continuation: str, code: str, session: Session
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token for who has given the first factor before."""
        account = await self._continued(continuation)
        await self._back_off.begin(account.username, session.address)
        if not await self._second_factor.check(account.username, code):
            await self._back_off.wrong(session.address)
            raise NotAuthenticated("This code is not right, or was used before.")
        await self._finish(continuation)
        return account, await self._let_in(account, session)

    async def passkey_options(self, party: RelyingParty, continuation: str = "") -> Answer:
        """What to ask an authenticator for: alone, or after the first factor."""
        if not continuation:
            return await self._passkeys.options(party)
        account = await self._continued(continuation)
        return await self._passkeys.options(party, account.username)

    async def sign_in_with_passkey(
        self, answer: Answer, party: RelyingParty, session: Session, continuation: str = ""
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token, by a passkey alone or after the first factor.

        Nothing is slowed down here: a signature cannot be guessed. Raises `NotAuthenticated`,
        `CopiedPasskey`.
        """
        first = await self._continued(continuation) if continuation else None
        try:
            passkey = await self._passkeys.check(answer, party, first.username if first else "")
        except CounterWentBack as error:
            account = await self._open_account(error.passkey.subject)
            raise CopiedPasskey(account, str(error)) from None
        account = await self._open_account(passkey.subject)
        if continuation:
            await self._finish(continuation)
        return account, await self._let_in(account, session)

    async def sign_in_known(
        self, username: str, session: Session, *, second_factor: bool
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token for whom an OpenID provider has recognised.

        `second_factor` says that it has checked one. Raises `NotAuthenticated` and
        `SecondFactorRequired`.
        """
        account = await self._open_account(username)
        if second_factor:
            return account, await self._let_in(account, session)
        return account, await self._by_one_factor(account, session)

    async def confirm(self, username: str, password: str, address: str | None) -> Account:
        """The account, if the password is that of who is signed in already. As `sign_in`."""
        return await self._known(username, password, address)

    async def require_strong(self, account: Account, password: str) -> None:
        """Raise `WeakPassword` unless the account may have that password."""
        await _strong(password, account.username, account.display, account.email)

    async def forgive(self, account: Account) -> None:
        """End the pause of an account that has proved itself otherwise than by its password.

        With a second factor the pause stays: it is what keeps codes from being guessed.
        """
        if not await self._second_factor.factors(account.username):
            await self._back_off.succeeded(account.username)

    async def change_password(self, account: Account, password: str) -> None:
        """Set another password. Raises `WeakPassword`. Sessions are the caller's business."""
        await self.require_strong(account, password)
        await self._accounts.change(
            account.username,
            password_hash=await self._passwords.hash(password),
            password_changed=self._clock(),
            must_change_password=False,
        )

    async def add_account(
        self,
        username: str,
        password: str,
        *,
        reference: str,
        display: str,
        roles: tuple[str, ...] = ("clinician",),
        scope: str = CLINICIAN_SCOPE,
        email: str = "",
    ) -> Account:
        """Make an account. Raises `VersionConflict` when the name is taken, and `WeakPassword`."""
        await _strong(password, username, display, email)
        now = self._clock()
        account = Account(
            username=username.lower(),
            password_hash=await self._passwords.hash(password),
            reference=reference,
            display=display,
            roles=roles,
            scope=scope,
            email=email,
            created=now,
            password_changed=now,
        )
        await self._accounts.add(account)
        return account

    async def _known(self, username: str, password: str, address: str | None) -> Account:
        await self._back_off.check(username, address or None)
        account = await self._accounts.find(username)
        right, stronger = await self._passwords.verify(
            password, (account.password_hash or None) if account else None
        )
        # Many at once wait for their hash: what comes after the pause began is not told.
        await self._back_off.check(username, address or None)
        if account is None or not right or account.disabled:
            await self._back_off.failed(username, address or None)
            raise NotAuthenticated(_WRONG)
        if stronger is not None:
            await self._accounts.change(account.username, password_hash=stronger)
            return replace(account, password_hash=stronger)
        return account

    async def _by_one_factor(self, account: Account, session: Session) -> IssuedToken:
        """A token for who has none but this factor. Raises `SecondFactorRequired`."""
        factors = await self._second_factor.factors(account.username)
        if factors:
            continuation, expires = self._secret(), self._clock() + _PATIENCE
            await self._waiting.wait(hashed(continuation), account.username, expires)
            raise SecondFactorRequired(continuation, factors)
        enrolling = self._second_factor.is_required(account)
        return await self._let_in(account, session, enrolling=enrolling)

    async def _continued(self, continuation: str) -> Account:
        """Who has given the first factor before. Raises `NotAuthenticated`."""
        username = await self._waiting.waiting(hashed(continuation), self._clock())
        account = await self._accounts.find(username) if username else None
        if account is None or account.disabled:
            raise NotAuthenticated(_LATE)
        return account

    async def _finish(self, continuation: str) -> None:
        if not await self._waiting.finish(hashed(continuation)):
            raise NotAuthenticated(_LATE)

    async def _open_account(self, username: str) -> Account:
        account = await self._accounts.find(username)
        if account is None or account.disabled:
            raise NotAuthenticated(_DISABLED)
        return account

    async def _let_in(
        self, account: Account, session: Session, *, enrolling: bool = False
    ) -> IssuedToken:
        await self._back_off.succeeded(account.username)
        if account.must_change_password:
            continuation, expires = self._secret(), self._clock() + _PATIENCE
            await self._links.add(hashed(continuation), account.username, expires)
            raise PasswordChangeRequired(continuation)
        await self._accounts.change(account.username, last_sign_in=self._clock())
        token = await self._authenticator.issue(account, session=session, enrolling=enrolling)
        # While the password was checked an administrator may have ended all there was to end.
        now = await self._accounts.find(account.username)
        if now is None or now.disabled or now.roles != account.roles:
            await self._authenticator.withdraw(token)
            raise NotAuthenticated(_WRONG)
        return token


async def _strong(password: str, *about: str) -> None:
    # Off the event loop: the first time the list of common passwords is read.
    await asyncio.to_thread(require_strong, password, about=about)
