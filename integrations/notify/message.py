"""A mail as RFC 5322 has it. The library refuses line ends in headers; we check once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from fhir_server.auth.identity.mail import Mail, MailRefused, email_address
from fhir_server.errors import InvalidParameter


def message_of(
    mail: Mail, sender: str, *, clock: Callable[[], datetime], ids: Callable[[], str]
) -> EmailMessage:
    """The message, in plain text. Raises `MailRefused` for what would break a header."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in mail.subject):
        raise MailRefused("The subject holds a control character.")
    try:
        to = email_address(mail.to)
    except InvalidParameter:
        raise MailRefused("The address is none that mail can be sent to.") from None
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock())
    message["Message-ID"] = f"<{ids()}@{sender.rpartition('@')[2]}>"
    # RFC 3834 section 5: no out-of-office answers to this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
