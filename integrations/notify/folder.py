"""Mails as files, for development: what would have been sent lies in a folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from fhir_server.auth.identity.mail import Mail
from integrations.notify.message import message_of

_log = structlog.get_logger("aimed.mail")


class FolderMailer:
    """A `Mailer` that writes `.eml` files, readable by their owner alone."""

    def __init__(
        self,
        folder: Path,
        sender: str,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock
        self._ids = ids

    async def send(self, mail: Mail) -> None:
        """Write the file and say in the log where it is."""
        message = message_of(mail, self._sender, clock=self._clock, ids=self._ids)
        name = f"{self._clock():%Y%m%dT%H%M%S%f}-{self._ids()}.eml"
        file = self._folder / name
        await asyncio.to_thread(self._write, file, message.as_bytes())
        _log.info("no mail server is set: the mail is a file", file=str(file))

    def _write(self, file: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under another name first: who watches the folder never sees half a mail.
        part = file.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        part.rename(file)
