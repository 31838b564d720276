"""Helping people whose password, phone or patience is lost: links, second factors, pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fhir_server.administration.acts import Actor
from fhir_server.administration.people import People
from fhir_server.auth.caller import Caller
from fhir_server.auth.identity.password_policy import require_strong
from fhir_server.auth.passwords import Passwords
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import InvalidParameter, NotAuthenticated
from fhir_server.store import UnitOfWork
from fhir_server.store.access_ending import end_person
from fhir_server.store.accounts import Account, AccountStore
from fhir_server.store.failures import FailureStore
from fhir_server.store.passkeys import PasskeyStore
from fhir_server.store.password_links import PasswordLinkStore
from fhir_server.store.second_factors import SecondFactorStore

_OVER = "This link was used before or is over: ask for another."


@dataclass(frozen=True)
class PasswordLink:
    """`token` is seen this once; the page that takes it has it behind the # of its address."""

    token: str
    expires: datetime


@dataclass(frozen=True)
class LockState:
    """Failed sign-ins in a row, and until when no further try counts; None when one does."""

    failures: int
    until: datetime | None


class Credentials:
    """The acts on what people sign in with. `secret` gives 256 random bits as text."""

    def __init__(
        self,
        people: People,
        accounts: AccountStore,
        factors: SecondFactorStore,
        passkeys: PasskeyStore,
        failures: FailureStore,
        links: PasswordLinkStore,
        passwords: Passwords,
        *,
        clock: Clock,
        secret: Callable[[], str],
        hours: int,
    ) -> None:
        self._people = people
        self._accounts = accounts
        self._factors = factors
        self._passkeys = passkeys
        self._failures = failures
        self._links = links
        self._passwords = passwords
        self._clock = clock
        self._secret = secret
        self._hours = hours

    async def require_change(self, actor: Actor, username: str) -> Account:
        """Have somebody set another password at the next sign-in, which is now: sessions end.

        Raises `InvalidParameter` for who has no password yet.
        """

        async def body(unit: UnitOfWork, account: Account) -> None:
            if not account.password_hash:
                raise InvalidParameter("There is no password yet: make a link to set one.")
            await self._accounts.change(account.username, unit.session, must_change_password=True)
            await end_person(unit.database, account.username, unit.session)

        return await self._people.change(
            actor, username, "users/require-password-change", "credentials", body
        )

    async def link(self, actor: Actor, username: str) -> PasswordLink:
        """A link by which somebody sets a password once. The present password stays till then."""
        token, expires = self._secret(), self._clock() + timedelta(hours=self._hours)

        async def body(unit: UnitOfWork, account: Account) -> None:
            if account.disabled:
                raise InvalidParameter("The account is disabled: enable it first.")
            await self._links.add(hashed(token), account.username, expires, unit.session)

        await self._people.change(actor, username, "users/password-link", "credentials", body)
        return PasswordLink(token, expires)

    async def set_by_link(self, token: str, password: str, address: str | None) -> None:
        """Set the password of who holds a link, and end the person's sessions.

        Raises `NotAuthenticated` for a link that is over, and `WeakPassword`, after which the link
        still holds.
        """
        username = await self._links.find(hashed(token), self._clock())
        account = await self._accounts.find(username) if username else None
        if account is None or account.disabled:
            raise NotAuthenticated(_OVER)
        kept = await self._checked_for(account, password)

        async def body(unit: UnitOfWork, account: Account) -> None:
            if not await self._links.take(hashed(token), unit.session):
                raise NotAuthenticated(_OVER)
            await self._keep(unit, account, kept)

        person = Caller(account.reference, account.display, "", account.roles)
        actor = Actor(person, address=address)
        await self._people.change(actor, account.username, "password/link", "credentials", body)

    async def set_password(self, actor: Actor, username: str, password: str) -> None:
        """Set a password, and end the person's sessions and links. Raises `WeakPassword`."""
        kept = await self._checked_for(await self._people.find(username), password)

        async def body(unit: UnitOfWork, account: Account) -> None:
            await self._links.void(account.username, unit.session)
            await self._keep(unit, account, kept)

        await self._people.change(actor, username, "users/password", "credentials", body)

    async def checked(self, password: str, *, about: Iterable[str]) -> str:
        """The hash of a password that may be used. Raises `WeakPassword`."""
        require_strong(password, about=about)
        return await self._passwords.hash(password)

    async def remove_second_factor(self, actor: Actor, username: str) -> Account:
        """Forget lost second factors: app, recovery codes and passkeys. Sessions end."""

        async def body(unit: UnitOfWork, account: Account) -> None:
            await self._factors.remove(account.username, unit.session)
            await self._passkeys.remove_all(account.username, unit.session)
            await end_person(unit.database, account.username, unit.session)

        return await self._people.change(
            actor, username, "users/remove-second-factor", "credentials", body
        )

    async def unlock(self, actor: Actor, username: str) -> Account:
        """Forget somebody's failed sign-ins, so that the next try counts at once."""

        async def body(unit: UnitOfWork, account: Account) -> None:
            await self._failures.clear(f"account:{account.username}", unit.session)

        return await self._people.change(actor, username, "users/unlock", "credentials", body)

    async def lock_state(self, username: str) -> LockState:
        """Whether sign-in pauses for an account."""
        found = await self._failures.find(f"account:{username.lower()}")
        over = found.until is None or found.until <= self._clock()
        return LockState(found.count, None if over else found.until)

    async def has_second_factor(self, username: str) -> bool:
        """Whether an authenticator app or a passkey is set up."""
        app = (await self._factors.find(username)).seed
        return bool(app or await self._passkeys.of_subject(username.lower()))

    async def _checked_for(self, account: Account, password: str) -> str:
        about = (account.username, account.display, account.email)
        return await self.checked(password, about=about)

    async def _keep(self, unit: UnitOfWork, account: Account, hash: str) -> None:
        await self._accounts.change(
            account.username,
            unit.session,
            password_hash=hash,
            password_changed=self._clock(),
            must_change_password=False,
        )
        await self._failures.clear(f"account:{account.username}", unit.session)
        await end_person(unit.database, account.username, unit.session)
