"""Letters about what happened to an account. OWASP ASVS 5.0 V6.3.7.

They are ordered within the request as jobs of the outbox and sent by a worker, so that a mail
server that is down neither delays a request nor loses a letter.
"""

from __future__ import annotations

from fhir_server.auth.identity.letters import letter
from fhir_server.auth.identity.mail import Mailing
from fhir_server.clock import Clock
from fhir_server.store import MongoStore
from fhir_server.store.accounts import Account
from fhir_server.store.unit_of_work import UnitOfWork

NOTICE = "mail.notice"
_MOMENT = "%Y-%m-%d %H:%M"


class Notices:
    """Orders letters, and sends those that were ordered."""

    def __init__(self, store: MongoStore, mailing: Mailing | None, *, clock: Clock) -> None:
        self._store = store
        self._mailing = mailing
        self._clock = clock

    async def order(self, account: Account, name: str) -> None:
        """Leave a letter for the worker; without an address or mail there is none."""
        if not account.email or self._mailing is None:
            return
        data = {
            "name": name,
            "to": account.email,
            "username": account.username,
            "moment": self._clock().strftime(_MOMENT),
        }

        async def body(unit: UnitOfWork) -> None:
            await unit.emit("job", partition=account.username, type=NOTICE, data=data)

        await self._store.transact(body)

    async def send(self, name: str, to: str, username: str, moment: str) -> None:
        """Send a letter that was ordered. Raises as `Mailer.send`."""
        if self._mailing is None:
            return
        fields = {"username": username, "moment": moment, "site": self._mailing.site}
        await self._mailing.mailer.send(await letter(name, to, **fields))
