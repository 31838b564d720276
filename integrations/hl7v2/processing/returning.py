"""Application acknowledgements whose connection has gone: by the return path, if there is one."""

from __future__ import annotations

from datetime import datetime

import structlog

from integrations.hl7v2.acknowledgement import ReturnPath
from integrations.hl7v2.store import MessageRecord, MessageStore

_log = structlog.get_logger("aimed.hl7v2")


class Returning:
    """`path` is None when no destination is configured."""

    def __init__(self, store: MessageStore, path: ReturnPath | None = None) -> None:
        self._store = store
        self._path = path

    async def send(self, record: MessageRecord, acknowledgement: bytes) -> None:
        """Hand it to the return path and note what became of it. Raises nothing: it stays due."""
        try:
            taken = self._path is not None and await self._path.send_application_acknowledgement(
                acknowledgement,
                listener=record.listener,
                application=record.app,
                facility=record.facility,
            )
            await self._store.set_answer(record.id, "sent" if taken else "undeliverable")
        except Exception as error:
            _log.warning("acknowledgement waits", message=record.id, fault=type(error).__name__)
            return
        if not taken:
            _log.warning(
                "no way back for an acknowledgement", message=record.id, listener=record.listener
            )

    async def send_due(self, finished_before: datetime | None) -> None:
        """Those that no connection has taken: of a process that is gone, when None is given."""
        for record in await self._store.answers_due(finished_before):
            if record.answer is not None:
                await self.send(record, record.answer.bytes)
