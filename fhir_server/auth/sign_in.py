"""Signing in with a username and a password."""

from __future__ import annotations

from fhir_server.auth.authenticator import Authenticator, IssuedToken
from fhir_server.auth.back_off import BackOff
from fhir_server.auth.passwords import Passwords
from fhir_server.errors import NotAuthenticated
from fhir_server.store.accounts import Account, AccountStore

CLINICIAN_SCOPE = "user/*.cruds"


class SignIn:
    """Checks a password and issues a token."""

    def __init__(
        self,
        accounts: AccountStore,
        authenticator: Authenticator,
        passwords: Passwords,
        back_off: BackOff,
    ) -> None:
        self._accounts = accounts
        self._back_off = back_off
        self._authenticator = authenticator
        self._passwords = passwords

    async def sign_in(
        self, username: str, password: str, address: str | None = None
    ) -> tuple[Account, IssuedToken]:
        """The account and a fresh token. `address` is the peer's, for counting failures.

        Raises `NotAuthenticated`, not saying which was wrong, and `RateLimited` after too many.
        """
        await self._back_off.check(username, address)
        account = await self._accounts.find(username)
        right, stronger = await self._passwords.verify(
            password, account.password_hash if account else None
        )
        if account is None or not right:
            await self._back_off.failed(username, address)
            raise NotAuthenticated("The user name or the password is wrong.")
        await self._back_off.succeeded(username)
        if stronger is not None:
            await self._accounts.set_password(account.username, stronger)
        return account, await self._authenticator.issue(account)

    async def add_account(
        self,
        username: str,
        password: str,
        *,
        reference: str,
        display: str,
        roles: tuple[str, ...] = ("clinician",),
        scope: str = CLINICIAN_SCOPE,
    ) -> Account:
        """Make an account. Raises `VersionConflict` when the name is taken."""
        account = Account(
            username=username.lower(),
            password_hash=await self._passwords.hash(password),
            reference=reference,
            display=display,
            roles=roles,
            scope=scope,
        )
        await self._accounts.add(account)
        return account
