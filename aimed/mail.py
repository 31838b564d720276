"""How this installation sends mail, and the jobs that send it."""

from __future__ import annotations

import structlog

from aimed.fhir import open_fhir
from aimed.settings import Settings
from fhir_server.auth.identity.mail import MailRefused

_log = structlog.get_logger("aimed.mail")


async def send_password_reset(settings: Settings, address: str) -> None:
    """The job `mail.password-reset`. Raises `Unavailable` when it is to be tried again."""
    async with open_fhir(settings) as fhir:
        try:
            await fhir.password_reset.send(address)
        except MailRefused as error:
            _log.warning("a mail was refused", kind="password-reset", reason=str(error))


async def send_notice(settings: Settings, name: str, to: str, username: str, moment: str) -> None:
    """The job `mail.notice`. Raises `Unavailable` when it is to be tried again."""
    async with open_fhir(settings) as fhir:
        try:
            await fhir.notices.send(name, to, username, moment)
        except MailRefused as error:
            _log.warning("a mail was refused", kind=name, reason=str(error))
