"""Accounts: finding them, making them, their roles, keeping people out and letting them in."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fhir_server.administration.acts import Act, Actor, Acts
from fhir_server.auth.identity.mail import email_address
from fhir_server.auth.policy import roles
from fhir_server.auth.sign_in import CLINICIAN_SCOPE
from fhir_server.errors import InvalidParameter, ResourceNotFound, VersionConflict
from fhir_server.store import MongoStore, UnitOfWork
from fhir_server.store.access_ending import end_person
from fhir_server.store.accounts import Account, AccountStore

ADMIN, PATIENT, EMERGENCY = "admin", "patient", "break-glass"
PATIENT_SCOPE = "patient/*.rs"
LAST_ADMIN = "This is the last active administrator. Make somebody else one first."

_LOCK = "administrators"
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}")
_REFERENCE = re.compile(r"(Practitioner|Patient)/[A-Za-z0-9.\-]{1,64}")
Change = Callable[[UnitOfWork, Account], Awaitable[None]]


@dataclass(frozen=True)
class NewPerson:
    """Somebody who is to have an account.

    `reference` is an existing Practitioner or Patient; without it a Practitioner is made, or for
    the role `patient` a Patient, of the name `display`.
    """

    username: str
    display: str
    roles: tuple[str, ...]
    email: str = ""
    reference: str = ""


def assignable_roles() -> tuple[str, ...]:
    """Roles that an account can have. That of an emergency is of a token alone."""
    return tuple(name for name in roles() if name != EMERGENCY)


class People:
    """The acts on accounts. All raise `ResourceNotFound` for a name that nobody has."""

    def __init__(self, acts: Acts, store: MongoStore, accounts: AccountStore) -> None:
        self._acts = acts
        self._store = store
        self._accounts = accounts

    async def find(self, username: str) -> Account:
        """The account of that name."""
        account = await self._accounts.find(username)
        if account is None:
            raise ResourceNotFound("There is no account of that name.")
        return account

    async def create(self, actor: Actor, new: NewPerson, password_hash: str = "") -> Account:
        """Make an account that waits for its password unless it comes with a hash.

        Raises `InvalidParameter`, and `VersionConflict` when the name is taken.
        """
        username = new.username.strip().lower()
        act = Act("users/create", "account", details=_details(username, new.roles))
        now = self._store.now()

        async def body(unit: UnitOfWork) -> Account:
            _check(new, username)
            account = Account(
                username=username,
                password_hash=password_hash,
                reference=await self._person(unit, new),
                display=new.display.strip(),
                roles=new.roles,
                scope=PATIENT_SCOPE if PATIENT in new.roles else CLINICIAN_SCOPE,
                email=email_address(new.email) if new.email.strip() else "",
                created=now,
                password_changed=now if password_hash else None,
            )
            await self._accounts.add(account, unit.session)
            return account

        return await self._acts.do(actor, act, body)

    async def set_roles(self, actor: Actor, username: str, names: tuple[str, ...]) -> Account:
        """Give exactly these roles. Sessions end: what somebody may do is in their tokens.

        Raises `InvalidParameter`, and `VersionConflict` for the last administrator.
        """
        details = _details(username, names)

        async def body(unit: UnitOfWork, account: Account) -> None:
            _check_roles(names, account.reference)
            await self._accounts.change(account.username, unit.session, roles=names)
            await end_person(unit.database, account.username, unit.session)

        return await self._guarded(actor, username, "users/roles", body, details)

    async def disable(self, actor: Actor, username: str) -> Account:
        """Keep somebody out, at once. Raises `VersionConflict` for the last administrator."""

        async def body(unit: UnitOfWork, account: Account) -> None:
            await self._accounts.change(account.username, unit.session, disabled=True)
            await end_person(unit.database, account.username, unit.session)

        return await self._guarded(actor, username, "users/disable", body)

    async def enable(self, actor: Actor, username: str) -> Account:
        """Let somebody in again."""

        async def body(unit: UnitOfWork, account: Account) -> None:
            await self._accounts.change(account.username, unit.session, disabled=False)

        return await self.change(actor, username, "users/enable", "account", body)

    async def change(
        self,
        actor: Actor,
        username: str,
        name: str,
        interaction: str,
        body: Change,
        details: tuple[tuple[str, str], ...] = (),
    ) -> Account:
        """Do something to an account; answers it as it is afterwards."""
        account = await self._accounts.find(username)
        about = (account.reference,) if account else ()
        act = Act(name, interaction, about, details or (("username", username.lower()),))

        async def work(unit: UnitOfWork) -> Account:
            found = await self._accounts.find(username, unit.session)
            if found is None:
                raise ResourceNotFound("There is no account of that name.")
            await body(unit, found)
            changed = await self._accounts.find(username, unit.session)
            assert changed is not None
            return changed

        return await self._acts.do(actor, act, work)

    async def _guarded(
        self,
        actor: Actor,
        username: str,
        name: str,
        body: Change,
        details: tuple[tuple[str, str], ...] = (),
    ) -> Account:
        """A change after which there must be an administrator, if there was one before."""

        async def work(unit: UnitOfWork, account: Account) -> None:
            # Of all such changes at once one commits; the others see what it did.
            await unit.hold(_LOCK)
            before = await self._accounts.active(ADMIN, unit.session)
            await body(unit, account)
            if before and not await self._accounts.active(ADMIN, unit.session):
                raise VersionConflict(LAST_ADMIN)

        return await self.change(actor, username, name, "account", work, details)

    async def _person(self, unit: UnitOfWork, new: NewPerson) -> str:
        """The reference of who is behind the account; made when there is nobody yet."""
        if new.reference:
            type, _, id = new.reference.partition("/")
            found = await unit.find(type, id)
            if found is None or found.deleted:
                raise InvalidParameter(f"There is no {type} of that id.")
            return new.reference
        type = "Patient" if PATIENT in new.roles else "Practitioner"
        name = [{"text": new.display.strip()}]
        made = await unit.create({"resourceType": type, "active": True, "name": name})
        return made.reference


def _details(username: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return (("username", username.lower()), ("roles", ",".join(names)))


def _check(new: NewPerson, username: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise InvalidParameter(
            "A user name has 2 to 100 letters, digits and . _ @ + - and begins with one of the "
            "first two."
        )
    if not new.display.strip().isprintable() or not new.display.strip():
        raise InvalidParameter("Enter the person's name.")
    if new.reference and not _REFERENCE.fullmatch(new.reference):
        raise InvalidParameter("The person is a Practitioner/id or a Patient/id.")
    type = "Patient" if PATIENT in new.roles else "Practitioner"
    _check_roles(new.roles, new.reference or type)


def _check_roles(names: tuple[str, ...], reference: str) -> None:
    known = assignable_roles()
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InvalidParameter(f"Roles are one or more of {', '.join(known)}.")
    if (PATIENT in names) != reference.startswith("Patient"):
        raise InvalidParameter("The role patient is for patients, and they have no other.")
    if PATIENT in names and len(set(names)) > 1:
        raise InvalidParameter("The role patient is for patients, and they have no other.")
