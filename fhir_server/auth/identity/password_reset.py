"""A new password for who has forgotten the old one, by a mail with a link that works once.

OWASP ASVS 5.0 V6.4.3 and the Forgot Password Cheat Sheet: an unknown address gets the same answer
in the same time, the token has 256 bits and is kept as a hash, and the second factor stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from fhir_server.auth.identity.ending import Ending
from fhir_server.auth.identity.letters import letter
from fhir_server.auth.identity.mail import Mailing, email_address
from fhir_server.auth.identity.notices import Notices
from fhir_server.auth.sign_in import SignIn
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.errors import InvalidParameter, Unavailable
from fhir_server.store import MongoStore
from fhir_server.store.accounts import Account, AccountStore
from fhir_server.store.password_resets import PasswordResetStore
from fhir_server.store.unit_of_work import UnitOfWork

RESET = "mail.password-reset"
LIFE = timedelta(minutes=15)
PAUSE = timedelta(minutes=1)
"""Between two mails to one account, so that nobody's mailbox is filled."""

_NO_MAIL = (
    "This server sends no mail, so it cannot reset passwords. Ask your administrator for a new one."
)
_SPENT = "This link was used already or is older than 15 minutes. Ask for a new one."


class SpentReset(InvalidParameter):
    """The token is unknown, used or too old."""


class PasswordReset:
    """Asking for a reset, mailing the token, and setting the password with it.

    `secret` gives 256 random bits as URL-safe text.
    """

    def __init__(
        self,
        store: MongoStore,
        accounts: AccountStore,
        resets: PasswordResetStore,
        sign_in: SignIn,
        ending: Ending,
        notices: Notices,
        mailing: Mailing | None,
        *,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._resets = resets
        self._sign_in = sign_in
        self._ending = ending
        self._notices = notices
        self._mailing = mailing
        self._clock = clock
        self._secret = secret

    async def ask(self, address: str) -> None:
        """Leave a job for the worker, who looks whether there is such an address.

        Nothing is looked up here, so neither answer nor time tells whether there is. Raises
        `InvalidParameter` for what is no address, `Unavailable` on a server without mail.
        """
        if self._mailing is None:
            raise Unavailable(_NO_MAIL)
        data = {"address": email_address(address)}

        async def body(unit: UnitOfWork) -> None:
            await unit.emit("job", partition="mail", type=RESET, data=data)

        await self._store.transact(body)

    async def send(self, address: str) -> int:
        """Mail a link to every account of that address; how many. Raises as `Mailer.send`.

        The token is made here and not when it is asked for: it is stored nowhere but as a hash, and
        its 15 minutes begin when the mail leaves.
        """
        sent = 0
        for account in await self._accounts.of_email(address):
            sent += await self._send(account)
        return sent

    async def _send(self, account: Account) -> bool:
        now = self._clock()
        if self._mailing is None or account.disabled:
            return False
        if await self._resets.sent_since(account.username, now - PAUSE):
            return False
        token = self._secret()
        key = hashed(token)
        link = f"{self._mailing.site}/reset#token={token}"
        mail = await letter(
            "password_reset",
            account.email,
            username=account.username,
            site=self._mailing.site,
            link=link,
        )
        await self._resets.add(key, account.username, now, now + LIFE)
        try:
            await self._mailing.mailer.send(mail)
        except BaseException:
            await self._resets.drop(key)
            raise
        await self._resets.sent(key)
        return True

    async def finish(self, token: str, password: str) -> Account:
        """Set the password and end whatever the account has open; the second factor stays.

        Raises `SpentReset`, and `WeakPassword`, which leaves the token usable.
        """
        key, now = hashed(token), self._clock()
        username = await self._resets.subject_of(key, now)
        account = await self._accounts.find(username) if username else None
        if account is None or account.disabled:
            raise SpentReset(_SPENT)
        await self._sign_in.require_strong(account, password)
        if not await self._resets.use(key, now):
            raise SpentReset(_SPENT)
        await self._sign_in.change_password(account, password)
        await self._ending.everything(account.username)
        await self._sign_in.forgive(account)
        await self._notices.order(account, "password_changed")
        return account
