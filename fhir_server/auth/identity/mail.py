"""Mail to people: what a mail is, who carries it, and what may be an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from fhir_server.errors import InvalidParameter

_LONGEST = 254
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class Mail:
    """One mail in plain text to one person."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Carries mail."""

    async def send(self, mail: Mail) -> None:
        """Return once somebody else has taken charge of it.

        Raises `MailRefused` when this mail will never be taken, `Unavailable` when a later try may
        help.
        """
        ...


class MailRefused(Exception):
    """The mail server does not take this mail; the text says its code and no address."""


@dataclass(frozen=True)
class Mailing:
    """How mail leaves. Links in it begin with `site`, the dashboard's address without a `/`."""

    mailer: Mailer
    site: str


def email_address(text: str) -> str:
    """The address in lower case: RFC 5321's Mailbox without quoted parts, literals and UTF-8.

    Raises `InvalidParameter`. What passes holds no space, line end or sign that means something in
    a header.
    """
    found = text.strip()
    if len(found) > _LONGEST or not _ADDRESS.fullmatch(found):
        raise InvalidParameter("This is no e-mail address, such as adams@clinic.example.")
    return found.lower()
