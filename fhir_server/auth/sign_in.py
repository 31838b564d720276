"""Signing in: a password, and a second factor for who has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from fhir_server.auth.authenticator import Authenticator, IssuedToken, Session
from fhir_server.auth.back_off import BackOff
from fhir_server.auth.identity.password_policy import require_strong
from fhir_server.auth.identity.second_factor import SecondFactor
from fhir_server.auth.passwords import Passwords
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated
from fhir_server.store.accounts import Account, AccountStore
from fhir_server.store.second_factors import SecondFactorStore

CLINICIAN_SCOPE = "user/*.cruds"
_PATIENCE = timedelta(minutes=5)
_WRONG = "The user name or the password is wrong."


class SecondFactorRequired(NotAuthenticated):
    """The password was right. `continuation` goes with the second factor, for five minutes."""

    def __init__(self, continuation: str, factors: tuple[str, ...]) -> None:
        super().__init__("Now the code of your authenticator app, or a recovery code.")
        self.continuation = continuation
        self.factors = factors


class SignIn:
    """Checks who somebody is and issues a token. `secret` gives 256 random bits as text."""

    def __init__(
        self,
        accounts: AccountStore,
        authenticator: Authenticator,
        passwords: Passwords,
        back_off: BackOff,
        second_factor: SecondFactor,
        waiting: SecondFactorStore,
        *,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._accounts = accounts
        self._back_off = back_off
        self._authenticator = authenticator
        self._passwords = passwords
        self._second_factor = second_factor
        self._waiting = waiting
        self._clock = clock
        self._secret = secret

    async def sign_in(
        self, username: str, password: str, session: Session
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token.

        Raises `NotAuthenticated`, not saying which was wrong, `RateLimited` after too many, and
        `SecondFactorRequired`.
        """
        account = await self._known(username, password, session.address)
        factors = await self._second_factor.factors(account.username)
        if factors:
            continuation, expires = self._secret(), self._clock() + _PATIENCE
            await self._waiting.wait(hashed(continuation), account.username, expires)
            raise SecondFactorRequired(continuation, factors)
        return account, await self._let_in(account, session)

    async def sign_in_with_code(
        self, continuation: str, code: str, session: Session
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token for who has given the right password before."""
        key = hashed(continuation)
        username = await self._waiting.waiting(key, self._clock())
        account = await self._accounts.find(username) if username else None
        if account is None or account.disabled:
            raise NotAuthenticated("It took too long: start again with your password.")
        await self._back_off.check(account.username, session.address)
        if not await self._second_factor.check(account.username, code):
            await self._back_off.failed(account.username, session.address)
            raise NotAuthenticated("This code is not right, or was used before.")
        if not await self._waiting.finish(key):
            raise NotAuthenticated("It took too long: start again with your password.")
        return account, await self._let_in(account, session)

    async def confirm(self, username: str, password: str, address: str | None) -> Account:
        """The account, if the password is that of who is signed in already. As `sign_in`."""
        return await self._known(username, password, address)

    async def change_password(self, account: Account, password: str) -> None:
        """Set another password. Raises `WeakPassword`. Sessions are the caller's business."""
        require_strong(password, about=(account.username, account.display, account.email))
        await self._accounts.change(
            account.username,
            password_hash=await self._passwords.hash(password),
            password_changed=self._clock(),
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
        require_strong(password, about=(username, display, email))
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
            password, account.password_hash if account else None
        )
        if account is None or not right or account.disabled:
            await self._back_off.failed(username, address or None)
            raise NotAuthenticated(_WRONG)
        if stronger is not None:
            await self._accounts.change(account.username, password_hash=stronger)
            return replace(account, password_hash=stronger)
        return account

    async def _let_in(self, account: Account, session: Session) -> IssuedToken:
        await self._back_off.succeeded(account.username)
        await self._accounts.change(account.username, last_sign_in=self._clock())
        return await self._authenticator.issue(account, session=session)
