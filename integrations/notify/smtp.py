"""Mail by SMTP. RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime

import aiosmtplib

from fhir_server.auth.identity.mail import Mail, MailRefused
from fhir_server.errors import Unavailable
from integrations.notify.message import message_of
from integrations.notify.settings import MailSettings

_PERMANENT = 500
_DOWN = "The mail server does not take mail now."


class SmtpMailer:
    """A `Mailer`: one connection a mail, as there are few."""

    def __init__(
        self,
        settings: MailSettings,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._tls: ssl.SSLContext | None = None

    async def send(self, mail: Mail) -> None:
        """Return once the mail server has taken the mail.

        Raises `MailRefused` when it never will (an answer of 5xx to the recipient or the content),
        `Unavailable` for every other failure: a wrong password or certificate is put right by the
        operator, and the mail is sent then.
        """
        message = message_of(mail, self._settings.sender, clock=self._clock, ids=self._ids)
        settings = self._settings
        try:
            await aiosmtplib.send(
                message,
                hostname=settings.host,
                port=settings.port,
                use_tls=settings.tls == "tls",
                start_tls=settings.tls == "starttls",
                tls_context=await self._context(),
                username=settings.username or None,
                password=settings.password.get_secret_value() or None,
                timeout=settings.seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            raise _fault(min(codes, default=0)) from None
        except aiosmtplib.SMTPDataError as error:
            raise _fault(error.code) from None
        except (aiosmtplib.SMTPException, OSError):
            raise Unavailable(_DOWN) from None

    async def _context(self) -> ssl.SSLContext | None:
        if self._settings.tls == "none":
            return None
        if self._tls is None:
            self._tls = await asyncio.to_thread(self._trust)
        return self._tls

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.authorities is not None:
            context.load_verify_locations(self._settings.authorities)
        return context


def _fault(code: int) -> Exception:
    if code >= _PERMANENT:
        return MailRefused(f"The mail server refused the mail for good ({code}).")
    return Unavailable(_DOWN)
